"""The four forward functions as tables of equations that a mistake can replace.

An equation computes one quantity from `v`, whose attributes are the known quantities: arguments, sizes,
parameters, and the results of earlier equations. A mistake is a table of the equations that it changes, such
as `{"c_next": lambda v: v.it * v.c_prev + v.ft * v.cct}`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracle.network.equations import CELLS, HEAD, SHARED, Equations, equation
from oracle.network.forward import STEP_BEGIN, STEP_END, SWEEP_BEGIN, evaluate, unroll
from reference.arrays import sigmoid, softmax
from reference.contract import Contract, Kind
from reference.rnn import ACTIVATIONS
from reference.validation import validate

TRANSFORMS: Equations = {
    "argument": lambda array: array,  # each argument
    "parameters": lambda p: p,  # the parameters by name; Wy and by are the head, even in an RNN
    "predictions": lambda y: y,  # the predictions of all steps
    "cached": lambda names: names,  # the quantities in a cell's cache, in order
    "returned": lambda names: names,  # the quantities that the function returns, in order
    "answer": lambda array: array,  # each returned array
}
"""Functions that change nothing by default. If two mistakes change the same function, both are applied."""


OPERATIONS: Equations = {
    **SHARED,
    "affine": lambda W, u, b: W @ u + b,
    "projection": lambda Wp: lambda a: Wp @ a,
    "head": lambda W, u, b: W @ u + b,
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "relu": ACTIVATIONS["relu"],
    "softmax": softmax,
    "times": np.multiply,
    "zeros": np.zeros,
}
"""The operations of the network in NumPy; `affine` makes each pre-activation, and `head` the logits."""

BEGIN: Equations = {
    **SWEEP_BEGIN,
    "c": lambda v: v.zeros((*v.a0.shape, v.T_x), v.x.dtype),
    "y": lambda v: v.zeros((v.n_y, v.m, v.T_x), v.x.dtype),
    "c0": lambda v: np.zeros_like(v.a0),
}
"""The equations before the first step of a sequence."""

CACHE: Equations = {"cache": lambda v: (*(getattr(v, name) for name in v.cached), v.parameters)}

CELL: Mapping[Kind, Equations] = {
    kind: {**{name: equation(each) for name, each in {**cell, **HEAD}.items()}, **CACHE}
    for kind, cell in CELLS.items()
}

END: Equations = {"caches": lambda v: (v.entries, v.x)}

ARGUMENTS: Equations = {"arguments": lambda v: v.arguments}
"""The arrays of the caller, before `run` checks and copies them."""

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**TRANSFORMS, **OPERATIONS, **ARGUMENTS, **BEGIN, **STEP_BEGIN, **cell, **STEP_END, **END}
    for kind, cell in CELL.items()
}


def run(contract: Contract, equations: Equations, v: Any, *arguments: Any) -> tuple[Any, ...]:
    """Compute what a function returns. Raises the errors of the equations and of `validate`."""
    *v.arguments, v.parameters = arguments
    evaluate(v, equations, ARGUMENTS)
    arrays, v.parameters, sizes = validate(contract.name, v.arguments, v.parameters)
    named = {
        name: equations["argument"](array) for name, array in zip(contract.arguments, arrays, strict=True)
    }
    p = {"Wy" if name == "Wya" else name: array for name, array in v.parameters.items()}
    vars(v).update(sizes, **named, **equations["parameters"](p))
    vars(v).update((name, equations[name]) for name in OPERATIONS)
    v.cached = equations["cached"](tuple(contract.cache))
    cell = CELL[contract.kind]
    if contract.is_cell:
        evaluate(v, equations, cell)
        # Copies, so that a caller that writes to a returned array does not change the cache.
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


def compose(first: Equations, second: Equations) -> Equations:
    """Join two tables of changes. If both change a function of `TRANSFORMS`, the first is applied first.

    Raises `ValueError` if both replace the same equation.
    """
    both = first.keys() & second.keys()
    if both - TRANSFORMS.keys():
        raise ValueError(f"both replace the same equation: {', '.join(sorted(both - TRANSFORMS.keys()))}")
    chained = {name: lambda it, one=first[name], two=second[name]: two(one(it)) for name in both}
    return {**first, **second, **chained}
