"""Whole layers as tables of equations that a mistake can replace.

The steps of one direction of one layer are computed as in `oracle.faults.equations`. This module adds the
equations outside the steps: the input of a direction, the order and the number of its steps, its initial
states, and how the results of directions and layers are combined.

The attributes of `v` are the known quantities. `v.call` has the validated arguments. `v.k` is the index of a
direction in the list of parameters: layer `v.layer`, direction `v.direction` (0 forward, 1 backward).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracle.faults import equations as sequence
from oracle.faults.equations import ARGUMENTS, CACHE, FUNCTIONS, Equations, evaluate, unroll
from oracle.step import HEAD
from reference.contract import Array, Contract, Kind
from reference.rnn import ACTIVATIONS
from reference.validation import validate_layers


def full_lengths(v: Any) -> Array:
    """T_x for each sample, `(m,)`: the default lengths."""
    return np.full(v.m, v.T_x)


def forward_steps(v: Any) -> Array:
    """The steps of each sample in the order of time, `(m, T_x)`."""
    return np.broadcast_to(np.arange(v.T_x), (v.m, v.T_x))


def backward_steps(v: Any, ends: Array) -> Array:
    """The steps of each sample in reversed order, then the steps of the padding in order, `(m, T_x)`."""
    t, ends = forward_steps(v), ends[:, None]
    return np.where(t < ends, ends - 1 - t, t)


def in_order(states: Array, steps: Array) -> Array:
    """Put the states `(n, m, T_x)` of each sample in the order of its `steps (m, T_x)`."""
    return np.take_along_axis(states, steps[None], axis=2)


def state_after(ends: Array, first: Array, states: Array) -> Array:
    """The state `(n, m)` of each sample after `ends (m,)` steps; `first (n, m)` is the initial state."""
    return in_order(np.concatenate([first[:, :, None], states], axis=2), ends[:, None])[:, :, 0]


BEGIN: Equations = {
    "lengths": lambda v: full_lengths(v) if v.call.lengths is None else v.call.lengths,
    "a_first": lambda v: v.inputs["a0"],
    "c_first": lambda v: v.inputs.get("c0", v.a_first),
    "below": lambda v: v.inputs["x"],
}
"""The equations before the first layer. `below (n, m, T_x)` is the input of a layer."""

BEFORE_STEPS: Equations = {
    "p": lambda v: v.call.parameters[v.k],
    "activation": lambda v: v.call.activation,
    "begin": lambda v: v.k,  # the index of the initial states of the direction
    "ends": lambda v: v.lengths,
    "order": lambda v: backward_steps(v, v.ends) if v.direction else forward_steps(v),
    "read": lambda v: in_order(v.below, v.order),
    "a_begin": lambda v: v.a_first[v.begin],
    "c_begin": lambda v: v.c_first[v.begin],
}
"""The equations of a direction before its first step."""

ARRAYS: Equations = {
    **{name: equation for name, equation in sequence.BEGIN.items() if name != "y"},
    "c0": lambda v: v.c0,
    "a": lambda v: np.zeros((v.n_h, v.m, v.T_x), v.x.dtype),
}
"""The equations of the initial arrays of a direction, from its input `x` and initial states `a0` and `c0`."""

CELL: Mapping[Kind, Equations] = {
    kind: {
        **{name: equation for name, equation in cell.items() if name not in (*HEAD, *CACHE)},
        "a_out": lambda v: v.project(v.a_next),
    }
    for kind, cell in sequence.CELL.items()
}
"""One step without the head; `a_out` is the hidden state after the projection."""

STEP: Equations = {"a_prev": lambda v: v.a_out if v.t else v.a0, "entry": lambda v: v.a_next}
"""The equations of a step that differ in layers. Each `entry` is the hidden state before the projection."""

AFTER_STEPS: Equations = {
    "hidden": lambda v: in_order(v.a, v.order),  # in the order of time, since `order` is its own inverse
    "last": lambda v: v.ends,  # the number of steps after which the last states are taken
    "a_end": lambda v: state_after(v.last, v.a0, v.a),
    "c_end": lambda v: state_after(v.last, v.c0, v.c),
}
"""The equations of a direction after its last step. `a` and `c` are in the order of computation."""

AFTER_LAYER: Equations = {
    "joined": lambda v: np.concatenate(v.both),
    "padded": lambda v: np.where(np.arange(v.T_x) < v.lengths[:, None], v.joined, 0),
}
"""The equations that join the directions of a layer. `both` lists the hidden states of its directions."""

BETWEEN: Equations = {"between": lambda v: v.padded}
"""The input of the next layer."""

END: Equations = {
    "top": lambda v: v.padded,
    "a_last": lambda v: np.stack(v.a_ends),
    "c_last": lambda v: np.stack(v.c_ends),
}
"""The equations of the returned arrays; `top` has the hidden states of the top layer."""

_OUTSIDE: Equations = {**BEGIN, **BEFORE_STEPS, **AFTER_STEPS, **AFTER_LAYER, **BETWEEN, **END}
OUTSIDE_STEPS = frozenset({*_OUTSIDE, "a0", "c0"})
"""The names of the equations outside the steps of a layer."""

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**sequence.SPECIFICATION[kind], **_OUTSIDE, **ARRAYS, **CELL[kind], **STEP} for kind in CELL
}


def run(contract: Contract, equations: Equations, v: Any, *arguments: Any) -> tuple[Any, ...]:
    """Compute what a layer returns. Raises the errors of the equations and of `validate_layers`."""
    count = len(contract.arguments)
    parameters, options = (*arguments[count:], None)[:2]
    v.arguments, v.a_ends, v.c_ends = arguments[:count], [], []
    evaluate(v, equations, ARGUMENTS)
    named = dict(zip(contract.arguments, v.arguments, strict=True))
    v.call = validate_layers(contract.name, named, parameters, options)
    v.inputs = {name: equations["argument"](array) for name, array in v.call.arguments.items()}
    vars(v).update((name, equations[name]) for name in FUNCTIONS)
    v.D, v.L = v.call.directions, len(v.call.parameters) // v.call.directions
    v.m, v.T_x = v.inputs["x"].shape[1:]
    evaluate(v, equations, BEGIN)
    v.n_h, v.n_a = v.inputs["a0"].shape[1], v.inputs.get("c0", v.inputs["a0"]).shape[1]
    for layer in range(v.L):
        v.layer, v.both = layer, []
        for direction in range(v.D):
            v.direction, v.k = direction, layer * v.D + direction
            _run_direction(v, equations, CELL[contract.kind])
            v.both.append(v.hidden)
            v.a_ends.append(v.a_end)
            v.c_ends.append(v.c_end)
        evaluate(v, equations, AFTER_LAYER)
        if layer < v.L - 1:
            evaluate(v, equations, BETWEEN)
            v.below = v.between
    evaluate(v, equations, END)
    results = {"a": v.top, "a_last": v.a_last, "c_last": v.c_last}
    returned = equations["returned"](tuple(contract.outputs))
    return tuple(equations["answer"](results[name]) for name in returned)


def _run_direction(v: Any, equations: Equations, cell: Equations) -> None:
    evaluate(v, equations, BEFORE_STEPS)
    v.x, v.a0, v.c0, v.n_x = v.read, v.a_begin, v.c_begin, len(v.read)
    vars(v).update(equations["parameters"](v.p))
    v.project = (lambda state: v.Wp @ state) if "Wp" in v.p else (lambda state: state)
    v.tanh = ACTIVATIONS["relu"] if v.activation == "relu" else equations["tanh"]
    evaluate(v, equations, ARRAYS)
    unroll(v, equations, cell, {"a": "a_out", "c": "c_next"})
    evaluate(v, equations, AFTER_STEPS)
