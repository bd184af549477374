"""Whole layers as tables of equations: time, directions, padding, and the order of layers, written once.

An array of a direction is `(…, n, m)`, or `(…, n, m, T_x)` over time. The axes before these may have several
problems; an arithmetic with such an axis may also compute both directions of a layer at once.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from oracle.network import sweep
from oracle.network.expressions import Equations
from oracle.network.sweep import Sweep, evaluate, unroll
from reference.contract import Array


def full_lengths(v: Any) -> Array:
    """T_x for each sample, `(m,)`: the default lengths."""
    return np.full(v.m, v.T_x)


def forward_steps(v: Any) -> Array:
    """The steps of each sample in the order of time, `(…, m, T_x)`."""
    return np.broadcast_to(np.arange(v.T_x), (*v.lengths.shape, v.T_x))


def backward_steps(T_x: int, ends: Array) -> Array:
    """The steps of each sample in reversed order, then the steps of the padding in order, `(…, m, T_x)`."""
    t, ends = np.arange(T_x), ends[..., None]
    return np.where(t < ends, ends - 1 - t, t)


def in_order(states: Any, steps: Array) -> Any:
    """Put the states `(…, n, m, T_x)` of each sample in the order of its `steps (…, m, T_x)`."""
    m, T_x = steps.shape[-2:]
    if states.shape[-2:] == (m, T_x) and (steps == np.arange(T_x)).all():  # saves the time of a copy
        return states
    return np.take_along_axis(states, steps[..., None, :, :], axis=-1)


def state_after(ends: Array, first: Any, states: Any) -> Any:
    """The state `(…, n, m)` of each sample after `ends (…, m)` steps; `first` is the initial state."""
    m, T_x = states.shape[-2:]
    if T_x and ends.shape[-1] == m and (ends == T_x).all():
        return states[..., -1]
    after = np.concatenate([first[..., None], states], axis=-1)
    return np.take_along_axis(after, ends[..., None, :, None], axis=-1)[..., 0]


def without_padding(states: Any, lengths: Array, T_x: int) -> Any:
    """The states `(…, n, m, T_x)`, with 0 after the `lengths (…, m)` of the samples."""
    if states.shape[-2:] == (lengths.shape[-1], T_x) and (lengths == T_x).all():
        return states
    return np.where((np.arange(T_x) < lengths[..., None])[..., None, :, :], states, 0)


BEGIN: Equations = {
    "lengths": lambda v: full_lengths(v) if v.call.lengths is None else v.call.lengths,
    "a_first": lambda v: v.inputs["a0"],
    "c_first": lambda v: v.inputs.get("c0", v.a_first),
    "below": lambda v: v.inputs["x"],
}
"""The equations before the first layer. `below (…, n, m, T_x)` is the input of a layer."""

BEFORE_STEPS: Equations = {
    "p": lambda v: v.call.parameters[v.k],
    "activation": lambda v: v.call.activation,
    "begin": lambda v: v.k,  # the index of the initial states of the direction
    "ends": lambda v: v.lengths,
    "order": lambda v: backward_steps(v.T_x, v.ends) if v.direction else forward_steps(v),
    "read": lambda v: in_order(v.below, v.order),
    "a_begin": lambda v: v.a_first[v.begin],
    "c_begin": lambda v: v.c_first[v.begin],
}
"""The equations of a direction before its first step."""

ARRAYS: Equations = {
    **sweep.BEGIN,
    "c": lambda v: v.zeros((*v.c0.shape, v.T_x), v.x.dtype),
    "c0": lambda v: v.c0,
}
"""The equations of the initial arrays of a direction, from its input `x` and initial states `a0` and `c0`."""

STEP: Equations = {
    **sweep.STEP,
    "a_prev": lambda v: v.a_out if v.t else v.a0,
    "a_out": lambda v: v.project(v.a_next),
    "entry": lambda v: v.a_next,
}
"""The equations that layers add to a step: `a_out` is the hidden state after the projection, `entry` before
it."""

AFTER_STEPS: Equations = {
    "hidden": lambda v: in_order(v.a, v.order),  # in the order of time, since `order` is its own inverse
    "last": lambda v: v.ends,  # the number of steps after which the last states are taken
    "a_end": lambda v: state_after(v.last, v.a0, v.a),
    "c_end": lambda v: state_after(v.last, v.c0, v.c),
}
"""The equations of a direction after its last step. `a` and `c` are in the order of computation."""

AFTER_LAYER: Equations = {
    "joined": lambda v: np.concatenate(v.both, axis=-3),
    "padded": lambda v: without_padding(v.joined, v.lengths, v.T_x),
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

OUTSIDE_STEPS: Equations = {**BEGIN, **BEFORE_STEPS, **AFTER_STEPS, **AFTER_LAYER, **BETWEEN, **END}
"""The equations outside the steps of a layer."""

EQUATIONS: Equations = {**OUTSIDE_STEPS, **ARRAYS, **STEP}
"""All equations of layers but those of the cell."""


def compute(v: Any, equations: Equations, cell: Iterable[str], at_once: bool = False) -> None:
    """Compute all layers.

    `v.inputs` has the arrays `x`, `a0` and, for an LSTM, `c0`, and `v.call` the lengths, the parameters of
    each direction, the number of directions and the activation. `equations` also has the operations of the
    arithmetic, and those of the `cell`. `at_once` computes both directions of a layer side by side on the
    first axis.
    """
    v.D, v.L = v.call.directions, len(v.call.parameters) // v.call.directions
    v.m, v.T_x = v.inputs["x"].shape[-2:]
    v.a_ends, v.c_ends, v.sweeps = [], [], []
    evaluate(v, equations, BEGIN)
    for layer in range(v.L):
        v.layer, v.both = layer, []
        if at_once and v.D == 2:
            _compute_both(v, equations, cell)
        else:
            for direction in range(v.D):
                _begin(v, equations, direction)
                v.sweeps.append(compute_steps(v, equations, cell))
                _end(v, equations)
        evaluate(v, equations, AFTER_LAYER)
        if layer < v.L - 1:
            evaluate(v, equations, BETWEEN)
            v.below = v.between
    evaluate(v, equations, END)


def _begin(v: Any, equations: Equations, direction: int) -> None:
    v.direction, v.k = direction, v.layer * v.D + direction
    evaluate(v, equations, BEFORE_STEPS)


def compute_steps(v: Any, equations: Equations, cell: Iterable[str]) -> Sweep:
    """Compute the steps of a direction from its input `read` and its initial states."""
    v.x, v.a0, v.c0, v.n_x = v.read, v.a_begin, v.c_begin, v.read.shape[-3]
    vars(v).update(equations["parameters"](v.p))
    v.affine_maps = {}
    v.project = equations["projection"](v.Wp) if "Wp" in v.p else lambda a: a
    v.tanh = equations["relu" if v.activation == "relu" else "tanh"]
    evaluate(v, equations, ARRAYS)
    unroll(v, equations, (*cell, "a_out"), {"a": "a_out", "c": "c_next"})
    return Sweep(v.kind, v.activation, v.p, v.a0, v.c0, v.x, v.order, v.entries)


def _end(v: Any, equations: Equations) -> None:
    evaluate(v, equations, AFTER_STEPS)
    v.both.append(v.hidden)
    v.a_ends.append(v.a_end)
    v.c_ends.append(v.c_end)


def _compute_both(v: Any, equations: Equations, cell: Iterable[str]) -> None:
    """Compute both directions of a layer side by side on the first axis."""
    begun = []
    for direction in (0, 1):
        _begin(v, equations, direction)
        begun.append({name: getattr(v, name) for name in BEFORE_STEPS})
    v.p = {name: np.concatenate([each["p"][name] for each in begun]) for name in v.p}
    for name in ("read", "a_begin", "c_begin", "order"):
        setattr(v, name, np.concatenate([each[name] for each in begun]))
    v.sweeps.append(compute_steps(v, equations, cell))
    joined = {name: getattr(v, name) for name in ("a", "c", "a0", "c0")}
    count = len(v.read) // 2
    for direction, each in enumerate(begun):
        half = slice(direction * count, (direction + 1) * count)
        vars(v).update(each, direction=direction, **{name: both[half] for name, both in joined.items()})
        _end(v, equations)
