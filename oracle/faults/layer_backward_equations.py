"""The backward passes of whole layers as tables of equations that a mistake can replace.

`oracle.faults.backward_equations` has the equations of a direction. Here are those around them: which
gradients enter a direction, and how the gradients of directions join. `v.call` has the validated arguments.
`v.k` is the index of a direction in the list of parameters: layer `v.layer`, direction `v.direction`.
`v.n_a` is the number of hidden units, after a projection.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracle.faults import backward_equations as sequence
from oracle.faults import layer_equations
from oracle.faults.backward_equations import unroll_back
from oracle.faults.equations import OPERATIONS
from oracle.network.equations import CELLS, Equations
from oracle.network.forward import LAYERS_BEGIN, Sweep, evaluate, in_order, unroll_layers, without_padding
from reference.contract import CONTRACTS, Array, Contract, Kind
from reference.validation import validate_layers

BEGIN: Equations = {"lengths": LAYERS_BEGIN["lengths"]}
"""The equation before the forward pass, which the backward pass repeats."""

DIRECTION: Equations = {
    "da_end": lambda v: v.da_last[v.k],
    "dc_end": lambda v: v.dc_last[v.k],
    "da_steps": lambda v: v.lengths,  # the number of steps after which da_end enters
    "dc_steps": lambda v: v.lengths,
    "half": lambda v: v.d_above[v.direction * v.n_a : (v.direction + 1) * v.n_a],
    "read": lambda v: in_order(v.half, v.sweep.order),
    "da": lambda v: v.read + _after(v.da_steps, v.da_end, v),
    "dc_direct": lambda v: _after(v.dc_steps, v.dc_end, v),
}
"""The equations of a direction before its last step. `d_above (D n_a, m, T_x)` is the gradient with respect
to the hidden states of the layer."""

AFTER_DIRECTION: Equations = {"written": lambda v: in_order(v.dx, v.sweep.order)}
"""The gradient with respect to the input of a layer through one direction, in the order of time."""

AFTER_LAYER: Equations = {"d_below": lambda v: without_padding(sum(v.both), v.lengths, v.T_x)}
"""The gradient with respect to the input of a layer; `both` lists those through its directions."""

_OWN: Mapping[Kind, Equations] = {
    "rnn": {"slope_of_relu": lambda v: (v.a_next > 0).astype(v.a_next.dtype)},
    "lstm": {"dWp": lambda v: v.d_hidden @ (v.ot * v.h).T},
}
"""The equations that only layers of one kind have: of the activation relu, and of a projection."""

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {
        **equations,
        **BEGIN,
        **DIRECTION,
        **AFTER_DIRECTION,
        **AFTER_LAYER,
        **_OWN[kind],
    }
    for kind, equations in sequence.SPECIFICATION.items()
}


def run(contract: Contract, equations: Equations, v: Any, *arguments: Any) -> tuple[Any, ...]:
    """Compute what the backward pass of a layer returns. Raises the errors of `validate_layers`."""
    count = len(contract.arguments)
    parameters, options = (*arguments[count:], None)[:2]
    named = dict(zip(contract.arguments, arguments, strict=False))
    v.call = validate_layers(contract.name, named, parameters, options)
    v.m, v.T_x = v.call.arguments["x"].shape[1:]
    evaluate(v, equations, BEGIN)
    given = {
        name: without_padding(array, v.lengths, v.T_x) if name in ("x", "da") else array
        for name, array in v.call.arguments.items()
    }
    v.da_last, v.dc_last, v.d_above = given["da_last"], given.get("dc_last", given["da_last"]), given["da"]
    v.n_a, D, sweeps = v.da_last.shape[1], v.call.directions, _sweeps(contract.kind, v, given)
    of_directions: list[dict[str, Array]] = [{}] * len(sweeps)
    for v.layer in reversed(range(len(sweeps) // D)):
        v.both = []
        for v.direction in range(D):
            v.k = v.layer * D + v.direction
            v.sweep = sweeps[v.k]
            of_directions[v.k] = _gradients(contract.kind, equations, v)
            v.both.append(v.written)
        evaluate(v, equations, AFTER_LAYER)
        v.d_above = v.d_below
    initial = {f"d{name}0": np.stack([each.pop(f"d{name}0") for each in of_directions]) for name in "ac"}
    results = {"dx": v.d_below, **initial}
    gradients = [
        {name: equations["gradient"](name, array, v) for name, array in each.items()}
        for each in of_directions
    ]
    return (*(equations["gradient"](name, results[name], v) for name in contract.outputs), gradients)


def _sweeps(kind: Kind, v: Any, given: Mapping[str, Array]) -> list[Sweep]:
    """All directions of the forward pass; each step has the quantities that a cell caches."""
    cached, right = CONTRACTS[f"{kind}_cell_forward"].cache, layer_equations.SPECIFICATION[kind]
    entry = {"entry": lambda v: {name: getattr(v, name) for name in cached}}
    functions = {name: right[name] for name in OPERATIONS}
    call = replace(v.call, lengths=v.lengths)
    forward = SimpleNamespace(kind=kind, call=call, inputs=given, **functions)
    unroll_layers(forward, {**right, **entry}, CELLS[kind])
    return list(forward.sweeps)


def _gradients(kind: Kind, equations: Equations, v: Any) -> dict[str, Array]:
    """The gradients of one direction. That with respect to its input becomes `v.written`."""
    p, within = v.sweep.p, np.arange(v.T_x)[:, None] < v.lengths
    steps, empty = v.sweep.steps, np.zeros((len(v.sweep.x), 0, v.m))
    arrays = {
        name: np.where(within, np.stack([step[name] for step in steps], axis=1), 0) if steps else empty
        for name in CONTRACTS[f"{kind}_cell_forward"].cache
    }
    vars(v).update(sequence.OPERATIONS, **{"Wp": None, **p})
    if v.sweep.activation == "relu":
        equations = {**equations, "slope": equations["slope_of_relu"]}
    evaluate(v, equations, DIRECTION)
    gradients = unroll_back(v, equations, kind, arrays, {f"d{name}": W.shape for name, W in p.items()})
    if not v.T_x:
        gradients |= {"da0": v.da_end, "dc0": v.dc_end}
    v.dx = gradients.pop("dx")
    evaluate(v, equations, AFTER_DIRECTION)
    return gradients


def _after(steps: Array, gradient: Array, v: Any) -> Array:
    """The gradient `(n, m)` at the last of the steps `(m,)` of each sample, else 0, `(n, m, T_x)`."""
    return np.where(np.arange(v.T_x) == steps[:, None] - 1, gradient[..., None], 0)
