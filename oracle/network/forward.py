"""The forward pass, written once: the sweep over time, the layers around it, and a batch of problems.

Each part is a table of equations of a namespace `v`, so that a mistake can replace one of them. An array of a
direction is `(…, n, m)`, or `(…, n, m, T_x)` over time. The axes before these may have several problems.

An arithmetic is a mapping `op` with the operations of the equations, and some more: `exact(array)` is a
quantity, and `zeros(shape, dtype)` one of zeros; `affine_map(W, b)` and
`projection(Wp)` prepare weights for many steps; `record(quantities)` is called after each step. In a batch,
its arrays are stacks: axis 0 has the problems, which have equal shapes. Both directions of a layer are
computed at once, side by side on this axis.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from oracle.network.equations import CELLS, HEAD, Equations, equation, joined
from oracle.problems.inputs import BackwardInputs, Inputs, LayerInputs
from reference.contract import NETWORKS, Array, Kind


class Sweep(NamedTuple):
    """One sweep over time: its parameters, initial states, inputs `x`, and the quantities of each step.

    The steps of a backward direction are in its own order; `order (…, m, T_x)` are their numbers.
    """

    kind: Kind
    activation: str
    p: Mapping[str, Array]
    a0: Any
    c0: Any
    x: Any
    order: Array | None
    steps: Sequence[Any]


SWEEP_BEGIN: Equations = {
    "x": lambda v: v.x,
    "a": lambda v: v.zeros((*v.a0.shape, v.T_x), v.x.dtype),
    "entries": lambda v: [],
    "a0": lambda v: v.a0,
    "steps": lambda v: range(v.T_x),
}
"""The equations before the first step of a sequence, from its input `x` and its initial state `a0`."""

STEP_BEGIN: Equations = {
    "xt": lambda v: v.x[..., v.t],
    "a_prev": lambda v: v.a_next,  # the previous step's a_next; a0 in the first step
    "c_prev": lambda v: v.c_next,
    "slot": lambda v: v.t,  # the time index at which the results of the step are stored
}
"""The equations at the start of each step of a sequence, before those of the cell."""

STEP_END: Equations = {
    "entry": lambda v: v.cache,  # each step appends its entry to `v.entries`
}
"""The equation at the end of each step."""


def evaluate(v: Any, equations: Equations, names: Iterable[str]) -> None:
    """Compute the named quantities in order."""
    for name in names:
        setattr(v, name, equations[name](v))


def unroll(v: Any, equations: Equations, cell: Iterable[str], results: Mapping[str, str]) -> None:
    """Compute all steps of a sequence. `results` names the quantity that each array over time stores.

    Time is the last axis of these arrays and of `x`.
    """
    names = (*STEP_BEGIN, *cell, *STEP_END)
    v.a_next, v.c_next = v.a0, v.c0
    for t in v.steps:
        v.t = t
        evaluate(v, equations, names)
        for over_time, now in results.items():
            getattr(v, over_time)[..., v.slot] = getattr(v, now)
        v.entries.append(v.entry)


LAYERS_BEGIN: Equations = {
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

LAYER_ARRAYS: Equations = {
    **SWEEP_BEGIN,
    "c": lambda v: v.zeros((*v.c0.shape, v.T_x), v.x.dtype),
    "c0": lambda v: v.c0,
}
"""The equations of the initial arrays of a direction, from its input `x` and initial states `a0` and `c0`."""

LAYER_STEP: Equations = {
    **STEP_BEGIN,
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

LAYERS_END: Equations = {
    "top": lambda v: v.padded,
    "a_last": lambda v: np.stack(v.a_ends),
    "c_last": lambda v: np.stack(v.c_ends),
}
"""The equations of the returned arrays; `top` has the hidden states of the top layer."""

OUTSIDE_STEPS: Equations = {
    **LAYERS_BEGIN,
    **BEFORE_STEPS,
    **AFTER_STEPS,
    **AFTER_LAYER,
    **BETWEEN,
    **LAYERS_END,
}
"""The equations outside the steps of a layer."""

LAYER_EQUATIONS: Equations = {**OUTSIDE_STEPS, **LAYER_ARRAYS, **LAYER_STEP}
"""All equations of layers but those of the cell."""


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


def unroll_layers(v: Any, equations: Equations, cell: Iterable[str], at_once: bool = False) -> None:
    """Compute all layers.

    `v.inputs` has the arrays `x`, `a0` and, for an LSTM, `c0`, and `v.call` the lengths, the parameters of
    each direction, the number of directions and the activation. `equations` also has the operations of the
    arithmetic, and those of the `cell`. `at_once` computes both directions of a layer side by side on the
    first axis.
    """
    v.D, v.L = v.call.directions, len(v.call.parameters) // v.call.directions
    v.m, v.T_x = v.inputs["x"].shape[-2:]
    v.a_ends, v.c_ends, v.sweeps = [], [], []
    evaluate(v, equations, LAYERS_BEGIN)
    for layer in range(v.L):
        v.layer, v.both = layer, []
        if at_once and v.D == 2:
            _compute_both(v, equations, cell)
        else:
            for direction in range(v.D):
                _begin(v, equations, direction)
                v.sweeps.append(unroll_direction(v, equations, cell))
                _end(v, equations)
        evaluate(v, equations, AFTER_LAYER)
        if layer < v.L - 1:
            evaluate(v, equations, BETWEEN)
            v.below = v.between
    evaluate(v, equations, LAYERS_END)


def _begin(v: Any, equations: Equations, direction: int) -> None:
    v.direction, v.k = direction, v.layer * v.D + direction
    evaluate(v, equations, BEFORE_STEPS)


def unroll_direction(v: Any, equations: Equations, cell: Iterable[str]) -> Sweep:
    """Compute the steps of a direction from its input `read` and its initial states."""
    v.x, v.a0, v.c0, v.n_x = v.read, v.a_begin, v.c_begin, v.read.shape[-3]
    vars(v).update(equations["parameters"](v.p))
    v.affine_maps = {}
    v.project = equations["projection"](v.Wp) if "Wp" in v.p else lambda a: a
    v.tanh = equations["relu" if v.activation == "relu" else "tanh"]
    evaluate(v, equations, LAYER_ARRAYS)
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
    v.sweeps.append(unroll_direction(v, equations, cell))
    joined = {name: getattr(v, name) for name in ("a", "c", "a0", "c0")}
    count = len(v.read) // 2
    for direction, each in enumerate(begun):
        half = slice(direction * count, (direction + 1) * count)
        vars(v).update(each, direction=direction, **{name: both[half] for name, both in joined.items()})
        _end(v, equations)


_CELLS: Mapping[Kind, Equations] = {kind: joined(cell) for kind, cell in CELLS.items()}
_HEAD: Equations = {name: equation(expression) for name, expression in HEAD.items()}
_RECORDED = {
    kind: ("xt", "a_prev", "c_prev", "a_out", *(name for name in cell if name in _CELLS[kind]))
    for kind, cell in CELLS.items()
}

_EQUATIONS: Mapping[Kind, Equations] = {
    kind: {**LAYER_EQUATIONS, **cell, "parameters": lambda p: p, "entry": lambda v: v.record(_quantities(v))}
    for kind, cell in _CELLS.items()
}


def _quantities(v: Any) -> dict[str, Any]:
    """The quantities of a step; `a_out` is the hidden state after a projection."""
    return {name: getattr(v, name) for name in _RECORDED[v.kind]}


def compute_layers(op: Mapping[str, Any], batch: Sequence[LayerInputs]) -> Any:
    """Compute all quantities of whole layers, in the namespace that is returned.

    The padding of x counts as 0, whatever it holds.
    """
    first = batch[0]
    x, lengths = (np.stack([getattr(inputs, name) for inputs in batch]) for name in ("x", "ends"))
    by_place = zip(*(inputs.parameters for inputs in batch), strict=True)
    call = SimpleNamespace(
        parameters=[stacked_parameters(each) for each in by_place],
        directions=first.directions,
        activation=first.activation,
        lengths=lengths,
    )
    v = SimpleNamespace(kind=first.kind, call=call, **op)
    v.inputs = {"x": v.exact(without_padding(x, lengths, x.shape[3]))} | {
        name: stacked(op, batch, name, axis=1) for name in ("a0", "c0")
    }
    unroll_layers(v, {**_EQUATIONS[first.kind], **op}, _CELLS[first.kind], at_once=True)
    return v


def compute_steps(op: Mapping[str, Any], kind: Kind, p: Mapping[str, Array], x: Any, a0: Any, c0: Any) -> Any:
    """Compute all quantities of the steps of a function, in the namespace that is returned."""
    v = SimpleNamespace(
        kind=kind, p=p, read=x, a_begin=a0, c_begin=c0, T_x=x.shape[-1], activation="tanh", **op
    )
    v.order = None
    unroll_direction(v, {**_EQUATIONS[kind], **op}, _CELLS[kind])
    return v


def forward_results(op: Mapping[str, Any], batch: Sequence[Inputs]) -> dict[str, Any]:
    """The quantities of a forward pass by name.

    For a function: the states, gates and predictions of all steps, each `(k, n, m, T_x)`. For layers: the
    hidden states of the top layer, and the last states of all layers, `(k, L D n, m, 1)`.
    """
    network, (_, m, T_x) = NETWORKS[batch[0].kind], batch[0].x.shape
    if of_layers := [inputs for inputs in batch if isinstance(inputs, LayerInputs)]:
        v = compute_layers(op, of_layers)
        ends = {f"{state}_last": getattr(v, f"{state}_ends") for state in network.states}
        return {"a": v.top, **{name: np.concatenate(each, axis=-2)[..., None] for name, each in ends.items()}}
    p = stacked_parameters([inputs.parameters for inputs in batch])
    v = compute_steps(op, batch[0].kind, p, *(stacked(op, batch, name) for name in ("x", "a0", "c0")))
    # The head sees all steps as samples of one step.
    v.a_next, v.Wy = np.reshape(v.a, (*v.a.shape[:2], m * T_x)), p.get("Wya", p.get("Wy"))
    evaluate(v, _HEAD, HEAD)
    y = np.reshape(v.yt_pred, (*v.yt_pred.shape[:2], m, T_x))
    gates = {name: over_time([step[name] for step in v.entries], v.a) for name in network.gates.values()}
    return {**{state: getattr(v, state) for state in network.states}, **gates, "y": y}


def stacked(op: Mapping[str, Any], batch: Sequence[Inputs], name: str, axis: int = 0) -> Any:
    """The arrays of a batch with this name as one exact stack."""
    return op["exact"](np.stack([getattr(inputs, name) for inputs in batch], axis))


def stacked_parameters(parameters: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The parameters of several problems, stacked by name, in float64."""
    return {name: np.array([p[name] for p in parameters], np.float64) for name in parameters[0]}


def each_step(x: Any) -> Iterator[Any]:
    """The steps of an array over time `(…, T_x)`, each a contiguous array."""
    last = len(x.shape) - 1
    steps = np.copy(np.transpose(x, (last, *range(last))), order="C")
    return (steps[t] for t in range(len(steps)))


def over_time(steps: Sequence[Any], like: Any) -> Any:
    """All steps as an array `(…, T_x)`; without steps, the empty array `like`."""
    return np.stack(steps, axis=-1) if steps else like


def cached_sweep(op: Mapping[str, Any], batch: Sequence[BackwardInputs], cached: Mapping[str, Any]) -> Sweep:
    """The sweep of a function from its caches; `cached` has the cached results as arrays over time."""
    first = batch[0]
    p = stacked_parameters([inputs.parameters for inputs in batch])
    x, a0, c0 = (stacked(op, batch, name) for name in ("x", "a0", "c0"))
    quantities = {f"{name}_next" if name in ("a", "c") else name: array for name, array in cached.items()}
    for name, first_state, after in (("a_prev", a0, "a_next"), ("c_prev", c0, "c_next")):
        if after in quantities:
            before = np.concatenate([first_state[..., None], quantities[after]], axis=-1)
            quantities[name] = before[..., : x.shape[-1]]
    quantities["xt"] = x
    by_name = {name: [*each_step(array)] for name, array in quantities.items()}
    steps = [{name: values[t] for name, values in by_name.items()} for t in range(x.shape[-1])]
    order = np.broadcast_to(np.arange(x.shape[-1]), x.shape[:1] + x.shape[2:])
    return Sweep(first.kind, "tanh", p, a0, c0, x, order, steps)
