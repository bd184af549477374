"""The four forward functions as a table of equations, each of which can be replaced.

An equation gives one quantity from `v`, which holds by name what is known so far: arguments, sizes,
parameters, and the quantities before it. So a mistake says what it changes and nothing else:
`{"c_next": lambda v: v.it * v.c_prev + v.ft * v.cct}`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from reference.activations import sigmoid, softmax
from reference.contract import CONTRACTS, Kind
from reference.validation import validate

Equations = Mapping[str, Callable[..., Any]]

TRANSFORMS: Equations = {
    "given": lambda array: array,  # each argument, as the function computes with it
    "parameters": lambda p: p,  # by name, those of the head Wy and by in both kinds
    "predictions": lambda y: y,  # those of all steps, after the last
    "cached": lambda names: names,  # the quantities in a cell's cache, in order
    "returned": lambda names: names,  # those that the function returns, in order
    "answer": lambda array: array,  # each of these
}
"""What is left as it is. Two changes of one transform follow each other."""

FUNCTIONS: Equations = {
    "affine": lambda W, u, b: W @ u + b,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "softmax": softmax,
}

BEGIN: Equations = {
    "x": lambda v: v.x,
    "a": lambda v: np.zeros((v.n_a, v.m, v.T_x), v.x.dtype),
    "c": lambda v: np.zeros((v.n_a, v.m, v.T_x), v.x.dtype),
    "y": lambda v: np.zeros((v.n_y, v.m, v.T_x), v.x.dtype),
    "kept": lambda v: [],
    "a0": lambda v: v.a0,
    "c0": lambda v: np.zeros_like(v.a0),
    "steps": lambda v: range(v.T_x),
}
"""How a sequence begins."""

STEP: Equations = {
    "xt": lambda v: v.x[:, :, v.t],
    "a_prev": lambda v: v.a_next,  # what the step before left, at the first step a0
    "c_prev": lambda v: v.c_next,
    "slot": lambda v: v.t,  # where the step's results go
}
"""How a step of a sequence begins; a cell follows."""

HEAD: Equations = {
    "logits": lambda v: v.Wy @ v.a_next + v.by,
    "yt_pred": lambda v: v.softmax(v.logits),
    "cache": lambda v: (*(getattr(v, name) for name in v.cached), v.parameters),
}

CELL: Mapping[Kind, Equations] = {
    "rnn": {
        "concat": lambda v: np.concatenate([v.a_prev, v.xt]),
        "z": lambda v: v.affine(np.concatenate([v.Waa, v.Wax], axis=1), v.concat, v.ba),
        "a_next": lambda v: v.tanh(v.z),
        **HEAD,
    },
    "lstm": {
        "concat": lambda v: np.concatenate([v.a_prev, v.xt]),
        "zf": lambda v: v.affine(v.Wf, v.concat, v.bf),
        "zi": lambda v: v.affine(v.Wi, v.concat, v.bi),
        "zc": lambda v: v.affine(v.Wc, v.concat, v.bc),
        "zo": lambda v: v.affine(v.Wo, v.concat, v.bo),
        "ft": lambda v: v.sigmoid(v.zf),
        "it": lambda v: v.sigmoid(v.zi),
        "cct": lambda v: v.tanh(v.zc),
        "ot": lambda v: v.sigmoid(v.zo),
        "c_next": lambda v: v.ft * v.c_prev + v.it * v.cct,
        "a_next": lambda v: v.ot * v.tanh(v.c_next),
        **HEAD,
    },
}

END: Equations = {
    "entry": lambda v: v.cache,  # what is kept of each step
    "caches": lambda v: (v.kept, v.x),
}

ARGUMENTS: Equations = {"arguments": lambda v: v.arguments}
"""The caller's own, before they are checked and copied."""

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**TRANSFORMS, **FUNCTIONS, **ARGUMENTS, **BEGIN, **STEP, **cell, **END}
    for kind, cell in CELL.items()
}


@np.errstate(all="ignore")
def run(
    function: str, changes: Equations, memory: dict[Any, Any], arguments: Sequence[Any], parameters: Any
) -> tuple[Any, ...]:
    """Call `function` with some of its equations changed; `memory` is what lasts from call to call.

    Raises what the changed equations raise, and what `reference.validation.validate` does.
    """
    contract = CONTRACTS[function]
    equations = {**SPECIFICATION[contract.kind], **changes}
    v = SimpleNamespace(arguments=arguments, parameters=parameters, memory=memory)
    evaluate(v, equations, ARGUMENTS)
    arrays, v.parameters, sizes = validate(function, v.arguments, parameters)
    given = {name: equations["given"](array) for name, array in zip(contract.arguments, arrays, strict=True)}
    p = {"Wy" if name == "Wya" else name: array for name, array in v.parameters.items()}
    vars(v).update(sizes, **given, **equations["parameters"](p))
    vars(v).update((name, equations[name]) for name in FUNCTIONS)
    v.cached = equations["cached"](tuple(contract.cache))
    cell = CELL[contract.kind]
    if contract.is_cell:
        evaluate(v, equations, cell)
        # what a caller writes into an answer must not reach the cache
        results = {name: getattr(v, name).copy() for name in contract.outputs}
        caches = v.cache
    else:
        evaluate(v, equations, BEGIN)
        unroll(v, equations, cell, {"a": "a_next", "c": "c_next", "y": "yt_pred"})
        y = equations["predictions"](v.y)
        results = {"a": v.a, "y": y, "y_pred": y, "c": v.c}
        caches = equations["caches"](v)
    returned = equations["returned"](tuple(contract.outputs))
    return (*(equations["answer"](results[name]) for name in returned), caches)


def evaluate(v: Any, equations: Equations, names: Iterable[str]) -> None:
    """Compute the named quantities, one after the other."""
    for name in names:
        setattr(v, name, equations[name](v))


def unroll(v: Any, equations: Equations, cell: Iterable[str], results: Mapping[str, str]) -> None:
    """Take all steps of a sequence that has begun; `results` says what is written over time from what."""
    names = (*STEP, *cell, "entry")
    v.a_next, v.c_next = v.a0, v.c0
    for t in v.steps:
        v.t = t
        evaluate(v, equations, names)
        for over_time, now in results.items():
            getattr(v, over_time)[:, :, v.slot] = getattr(v, now)
        v.kept.append(v.entry)


def compose(first: Equations, second: Equations) -> Equations:
    """Both changes at once; what both transform is transformed by the first, then by the second.

    Raises `ValueError` where both replace the same equation.
    """
    both = first.keys() & second.keys()
    if both - TRANSFORMS.keys():
        raise ValueError(f"both replace the same equation: {', '.join(sorted(both - TRANSFORMS.keys()))}")
    chained = {name: lambda it, one=first[name], two=second[name]: two(one(it)) for name in both}
    return {**first, **second, **chained}
