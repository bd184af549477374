"""The sweep back through time and layers: the chain rule, applied to one step after another.

All arrays are stacks `(k, n, m)`, as in `oracle.network.forward`: axis 0 has the inputs of a batch, for the
forward direction and then for the backward direction. `op` has the operations of an arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from oracle.network.backward_step import Gradients, StepsBack, StepValues
from oracle.network.cells import CELLS
from oracle.network.derivative import Back, derivative
from oracle.network.expressions import Expression
from oracle.network.forward import compute_layers, each_step, over_time, stacked
from oracle.network.layers import in_order, without_padding
from oracle.network.sweep import Sweep
from oracle.problems.backward_inputs import AnyBackward, LayerBackwardInputs, gradient_name
from reference.contract import NETWORKS, Array


class Chain(NamedTuple):
    """The gradients of a sweep over time, in its own order.

    `steps` has the gradients of each step, and `da` those with respect to the hidden states; `da0` and `dc0`
    are the gradients with respect to the initial states.
    """

    steps: Sequence[Gradients]
    da: Sequence[Any]
    da0: Any
    dc0: Any


def back_through_time(
    op: Any, steps: StepsBack, da: Sequence[Any], dc: Sequence[Any], within: Array
) -> Chain:
    """Apply the chain rule from the last step to the first.

    `da` and `dc` have the terms of the direct gradient with respect to each state, the initial state first.
    A step of the padding, where `within (T_x, k, 1, m)` is false, changes nothing.
    """
    p = steps.sweep.p
    by_projection = op.transposed_map(p["Wp"]) if "Wp" in p else None
    d, d_c = op.total(*da[-1]), op.total(*dc[-1])
    gradients: list[Gradients] = []
    hidden: list[Any] = []
    for t in reversed(range(len(steps.sweep.steps))):
        hidden.insert(0, d)
        g = steps.back(t, by_projection(d) if by_projection else d, d_c)
        before = g["d_a_prev"], g.get("d_c_prev", d_c)
        d, d_c = before if within[t].all() else (np.where(within[t], each, 0) for each in before)
        d, d_c = op.total(*da[t], d), op.total(*dc[t], d_c)
        gradients.insert(0, g)
    return Chain(gradients, hidden, d, d_c)


def parameter_gradients(op: Any, values: StepValues, sweep: Sweep, chain: Chain, within: Array) -> Gradients:
    """The gradients with respect to the parameters of a sweep, `(k, n, columns)`, by the parameters' names.

    They are sums over samples and steps, without the padding, which may be NaN.
    """
    kind, p = sweep.kind, sweep.p
    if not chain.steps:
        # No gradient comes from the head, whose parameters are the only ones with a y in their names.
        return {name: op.exact(np.zeros(each.shape)) for name, each in p.items() if "y" not in name}
    gradients: Gradients = {}

    def sum_of_products(dz: Any, v: Any) -> Any:
        """The sum over samples and steps of dz vᵀ, from `(T_x, k, n, m)`."""
        dz, v = (_as_samples(each if within.all() else np.where(within, each, 0)) for each in (dz, v))
        return op.matmul(dz, np.swapaxes(v, -1, -2))

    for back in derivative(kind).values():
        if not isinstance(back, Back):
            continue
        maps = [CELLS[kind][z].operands for z in back.maps]
        dz = np.concatenate([np.stack([g[f"d_{z}"] for g in chain.steps]) for z in back.maps], axis=-2)
        ones = op.exact(np.ones((*dz.shape[:2], 1, dz.shape[3])))
        dW = sum_of_products(dz, np.concatenate([*map(values.of, back.operands), ones], axis=-2))
        row = 0
        for W, _, b in maps:
            rows, column = p[b.name].shape[-2], 0
            for each in (*(W.operands or (W,)), b):
                columns = p[each.name].shape[-1]
                gradients[each.name] = dW[:, row : row + rows, column : column + columns]
                column += columns
            row += rows
    if "Wp" in p:
        unprojected = values.of(Expression("", name="a_next"))
        gradients["Wp"] = sum_of_products(np.stack(chain.da), unprojected)
    return gradients


def _as_samples(steps: Any) -> Any:
    """All steps `(T_x, k, n, m)` as samples of one step, `(k, n, T_x m)`."""
    T_x, k, n, m = steps.shape
    return np.copy(np.reshape(np.transpose(steps, (1, 2, 0, 3)), (k, n, T_x * m)), order="C")


def gradients_of(
    op: Mapping[str, Any],
    op_back: Any,
    batch: Sequence[AnyBackward],
    from_caches: Callable[[Sequence[Any]], Sweep],
    steps_back: Callable[..., StepsBack] = StepsBack,
) -> Gradients:
    """The gradients of a batch by name; `op` has the operations of the forward pass, `op_back` those back.

    For a function that takes caches, they are those of a single layer with the cached quantities, which
    `from_caches(batch)` returns.
    """
    da = stacked(op, batch, "da")
    if of_layers := [inputs for inputs in batch if isinstance(inputs, LayerBackwardInputs)]:
        last = {name: stacked(op, batch, f"d{name}_last", axis=1) for name in ("a", "c")}
        return layer_gradients(op_back, compute_layers(op, of_layers), da, last, steps_back)
    sweep = from_caches(batch)
    k, _, m, T_x = sweep.x.shape
    layer = SimpleNamespace(kind=sweep.kind, D=1, T_x=T_x, lengths=np.full((k, m), T_x), sweeps=[sweep])
    last = {"a": op["exact"](np.zeros((1, *sweep.a0.shape))), "c": stacked(op, batch, "dc")[None]}
    gradients = layer_gradients(op_back, layer, da, last, steps_back)
    own_names = {gradient_name(0, name): f"d{name}" for name in sweep.p}
    return {own_names.get(name, name): array for name, array in gradients.items()}


def layer_gradients(
    op: Any, v: Any, da: Any, last: Mapping[str, Any], steps_back: Callable[..., StepsBack]
) -> Gradients:
    """The gradients of layers by name, from the top layer down.

    `v` is what `forward.compute_layers` returns, and `da (k, D n_h, m, T_x)` the gradient with respect to the
    output. `last` has those with respect to the last states, `a` and `c`, `(L D, k, n, m)`.
    """
    D, lengths = v.D, v.lengths
    ends = np.concatenate([lengths] * D)
    within = np.moveaxis(np.arange(v.T_x) < ends[..., None], -1, 0)[:, :, None]
    da = without_padding(da, lengths, v.T_x)
    initial: list[Gradients] = []
    gradients: Gradients = {}
    for layer, sweep in reversed([*enumerate(v.sweeps)]):
        zeros = {name: op.exact(np.zeros(each.shape)) for name, each in (("a", sweep.a0), ("c", sweep.c0))}
        by_direction = np.concatenate([*_split(da, D, axis=1)])
        direct = {"a": [*each_step(in_order(by_direction, sweep.order))], "c": [zeros["c"]] * v.T_x}
        terms = {}
        for name in ("a", "c"):
            at_end = np.concatenate([last[name][layer * D + direction] for direction in range(D)])
            terms[name] = _with_last_state([zeros[name], *direct[name]], at_end, ends)
        steps = steps_back(op, sweep)
        chain = back_through_time(op, steps, terms["a"], terms["c"], within)
        states = zip(_split(chain.da0, D, 0), _split(chain.dc0, D, 0), strict=True)
        initial[:0] = [{"da0": da0, "dc0": dc0} for da0, dc0 in states]
        for name, both in parameter_gradients(op, steps.values, sweep, chain, within).items():
            for direction, array in enumerate(_split(both, D, 0)):
                gradients[gradient_name(layer * D + direction, name)] = array[..., None]
        dx = over_time([g["d_xt"] for g in chain.steps], op.exact(np.zeros(sweep.x.shape)))
        da = without_padding(op.total(*_split(in_order(dx, sweep.order), D, axis=0)), lengths, v.T_x)
    for name in (f"d{state}0" for state in NETWORKS[v.kind].states):
        gradients[name] = np.concatenate([each[name] for each in initial], axis=1)[..., None]
    return {"dx": da, **gradients}


def _split(x: Any, D: int, axis: int) -> Iterator[Any]:
    """The equal parts of each direction along an axis."""
    n = x.shape[axis] // D
    for i in range(D):
        index = [slice(None)] * len(x.shape)
        index[axis] = slice(i * n, (i + 1) * n)
        yield x[tuple(index)]


def _with_last_state(gradients: Sequence[Any], last: Any, ends: Array) -> list[tuple[Any, ...]]:
    """The terms of the direct gradient at each step. At the end of a sample, they include `last`."""
    return [
        (gradient, np.where((ends == t)[:, None], last, 0)) if (ends == t).any() else (gradient,)
        for t, gradient in enumerate(gradients)
    ]
