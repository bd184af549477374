"""The network of a batch of problems in an arithmetic.

An arithmetic is a mapping `op` with the operations of the equations, and some more: `exact(array)` is a
quantity, and `zeros(shape, dtype)` one of zeros; `affine_map(W, b)` and
`projection(Wp)` prepare weights for many steps; `record(quantities)` is called after each step. Its arrays
are stacks: axis 0 has the problems of a batch, which have equal shapes. Both directions of a layer are
computed at once, side by side on this axis.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracle.network import layers
from oracle.network.cells import CELLS, HEAD
from oracle.network.expressions import Equations, equation, joined
from oracle.network.sweep import Sweep, evaluate
from oracle.problems.backward_inputs import BackwardInputs
from oracle.problems.inputs import Inputs, LayerInputs
from reference.contract import NETWORKS, Array, Kind

_CELLS: Mapping[Kind, Equations] = {kind: joined(cell) for kind, cell in CELLS.items()}
_HEAD: Equations = {name: equation(expression) for name, expression in HEAD.items()}
_RECORDED = {
    kind: ("xt", "a_prev", "c_prev", "a_out", *(name for name in cell if name in _CELLS[kind]))
    for kind, cell in CELLS.items()
}
_EQUATIONS: Mapping[Kind, Equations] = {
    kind: {**layers.EQUATIONS, **cell, "parameters": lambda p: p, "entry": lambda v: v.record(_quantities(v))}
    for kind, cell in _CELLS.items()
}


def _quantities(v: Any) -> dict[str, Any]:
    """The quantities of a step; `a_out` is the hidden state after a projection."""
    return {name: getattr(v, name) for name in _RECORDED[v.kind]}


def compute_layers(op: Mapping[str, Any], batch: Sequence[LayerInputs]) -> Any:
    """Compute all quantities of `oracle.network.layers`, in the namespace that is returned.

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
    v.inputs = {"x": v.exact(layers.without_padding(x, lengths, x.shape[3]))} | {
        name: stacked(op, batch, name, axis=1) for name in ("a0", "c0")
    }
    layers.compute(v, {**_EQUATIONS[first.kind], **op}, _CELLS[first.kind], at_once=True)
    return v


def compute_steps(op: Mapping[str, Any], kind: Kind, p: Mapping[str, Array], x: Any, a0: Any, c0: Any) -> Any:
    """Compute all quantities of the steps of a function, in the namespace that is returned."""
    v = SimpleNamespace(
        kind=kind, p=p, read=x, a_begin=a0, c_begin=c0, T_x=x.shape[-1], activation="tanh", **op
    )
    v.order = None
    layers.compute_steps(v, {**_EQUATIONS[kind], **op}, _CELLS[kind])
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
