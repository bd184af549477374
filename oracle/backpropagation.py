"""The bounds of a backward pass: the rules of `oracle.rounding`, applied back through time and layers.

For a backward pass that takes caches, the right gradients are those of the numbers in the caches. But a
program may compute the states and gates of a step again from the inputs of the step. So each cached number
gets an error: twice the bound of one step. For whole layers, the right gradients are those of the exact
function, and the errors of the forward pass propagate.

`batch` is a sequence of inputs of equal shapes; axis 0 of all arrays has one entry for each input.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from oracle.backward_inputs import AnyBackward, BackwardInputs, LayerBackwardInputs, gradient_name
from oracle.backward_step import steps_of
from oracle.inputs import stacked_weights
from oracle.propagation import (
    Layer,
    direction_slice,
    each_step,
    evaluate_layers,
    evaluate_steps,
    exact_states,
    for_each_dtype,
    joined_rows,
    masked_steps,
    over_time,
    rows_of_directions,
    split_directions,
    stacked_directions,
    stacked_parameters,
)
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def evaluate(inputs: AnyBackward) -> dict[str, Bounded]:
    """Every gradient with its bound; the shapes and names are those of `oracle.exact_gradient.evaluate`."""
    return evaluate_each([inputs])[0]


def evaluate_each(batch: Sequence[AnyBackward]) -> list[dict[str, Bounded]]:
    """The results of `evaluate` for several inputs of equal shapes, computed at once to save time.

    Each result has the bounds of the precision of its input.
    """
    is_layer = any(isinstance(inputs, LayerBackwardInputs) for inputs in batch)
    evaluate_batch: Any = _layer_gradients if is_layer else _function_gradients
    return for_each_dtype(evaluate_batch, batch)


def _function_gradients(fl: Arithmetic, batch: Sequence[BackwardInputs]) -> dict[str, Bounded]:
    """The gradients of a backward pass that takes caches."""
    layer = cached_layer(fl, batch)
    da = [_zeros(layer.a0), *each_step(each.da for each in batch)]
    dc = [*(_zeros(layer.c0) for _ in layer.steps), _exact(each.dc for each in batch)]
    chain = back_through_time(fl, layer, [(each,) for each in da], [(each,) for each in dc])
    return {
        "dx": over_time(chain.dx, _exact(each.x[:, :, :0].sum(axis=2) for each in batch)),
        "da0": chain.da0[..., None],
        **({"dc0": chain.dc0[..., None]} if batch[0].kind == "lstm" else {}),
        **{f"d{name}": bounded for name, bounded in parameter_gradients(fl, layer, chain).items()},
    }


def cached_layer(fl: Arithmetic, batch: Sequence[BackwardInputs]) -> Layer:
    """The numbers in the caches, with an error of twice the bound of one step from the cached states."""
    p, cached = stacked_parameters([inputs.parameters for inputs in batch]), batch[0].cached
    xs = each_step(each.x for each in batch)
    a0, c0 = (_exact(getattr(each, name) for each in batch) for name in ("a0", "c0"))
    if not xs:
        return Layer(p, a0, c0, xs, [])
    # Each step starts from the cached states, so all steps are evaluated as samples of one step.
    a_prev, c_prev, x = (
        _joined_samples(each_step(getattr(each, name) for each in batch))
        for name in ("a_prev", "c_prev", "x")
    )
    [evaluated] = evaluate_steps(fl, Layer(p, a_prev, c_prev, [x]), "tanh")
    values = {name: each_step(each.cached[name] for each in batch) for name in cached}
    errors = {name: np.split(2 * evaluated[name].error, len(xs), axis=2) for name in cached}
    steps = [
        {name: Bounded(values[name][t].value, errors[name][t]) for name in cached} for t in range(len(xs))
    ]
    return Layer(p, a0, c0, xs, steps)


def _layer_gradients(fl: Arithmetic, batch: Sequence[LayerBackwardInputs]) -> dict[str, Bounded]:
    """The gradients of layers, from the top layer down; `dx` is exactly 0 after the end of a sample."""
    first, D = batch[0], batch[0].directions
    layers, _ = evaluate_layers(fl, batch)
    within, ends, reversed_steps = (
        np.stack([getattr(inputs, name) for inputs in batch]) for name in ("within", "ends", "reversed_steps")
    )
    within, n_h = np.moveaxis(within, 2, 0)[:, :, None], first.a0.shape[1]
    within_directions, ends = np.concatenate([within] * D, axis=1), np.concatenate([ends] * D)
    da = masked_steps(each_step(inputs.da for inputs in batch), within)
    gradients: dict[str, Bounded] = {}
    chains: list[Chain] = []
    for k, layer in reversed([*enumerate(layers)]):
        places = range(k * D, (k + 1) * D)
        da_directions = [[step[:, i * n_h : (i + 1) * n_h] for step in da] for i in range(D)]
        da_states = [_zeros(layer.a0), *stacked_directions(da_directions, reversed_steps)]
        dc_states = [_zeros(layer.c0)] * len(da_states)
        da_last, dc_last = (exact_states(batch, name, places) for name in ("da_last", "dc_last"))
        terms = _with_last_state(da_states, da_last, ends), _with_last_state(dc_states, dc_last, ends)
        chain = back_through_time(fl, layer, *terms, within_directions)
        chains.insert(0, chain)
        for name, bounded in parameter_gradients(fl, layer, chain, within_directions).items():
            gradients |= {
                gradient_name(place, name): direction_slice(bounded, i, D) for i, place in enumerate(places)
            }
        dx = split_directions(chain.dx, reversed_steps, D)
        da = masked_steps([fl.total(*parts) for parts in zip(*dx, strict=True)], within)
    gradients["dx"] = over_time(da, _exact(inputs.x[:, :, :0].sum(axis=2) for inputs in batch))
    for name in ("da0", "dc0")[: 1 if first.kind == "rnn" else 2]:
        gradients[name] = rows_of_directions([getattr(chain, name) for chain in chains], D)[..., None]
    return gradients


def _with_last_state(gradients: Sequence[Bounded], last: Bounded, ends: Array) -> list[tuple[Bounded, ...]]:
    """The terms of the direct gradient at each step. At the end of a sample, they include `last`."""
    return [
        (gradient, Bounded(np.where((ends == t)[:, None], last.value, 0), last.error))
        if (ends == t).any()
        else (gradient,)
        for t, gradient in enumerate(gradients)
    ]


def _zeros(like: Bounded) -> Bounded:
    return _exact(np.zeros_like(like.value))


class Chain(NamedTuple):
    """The gradients of a layer; the steps of each direction are in its own order.

    `dx`, `dz` and `da` have the gradients with respect to the inputs, the pre-activations and the hidden
    states of each step; `da0` and `dc0` are those with respect to the initial states.
    """

    dx: list[Bounded]
    da0: Bounded
    dc0: Bounded
    dz: list[Bounded]
    da: list[Bounded]


def back_through_time(
    fl: Arithmetic,
    layer: Layer,
    da: Sequence[Sequence[Bounded]],
    dc: Sequence[Sequence[Bounded]],
    within: Array | None = None,
) -> Chain:
    """Apply the chain rule from the last step to the first.

    `da` and `dc` have the terms of the direct gradient with respect to each state, the initial state first.
    A step of the padding, where `within (T_x, k, 1, m)` is false, changes nothing.
    """
    n_h, T_x = layer.a0.value.shape[1], len(layer.steps)
    WT = fl.matrix(_exact(stacked_weights(layer.p).swapaxes(1, 2)))
    WpT = fl.matrix(_exact(layer.p["Wp"].swapaxes(1, 2))) if "Wp" in layer.p else None
    steps = steps_of(fl, layer.steps, memory_states_before(layer)) if T_x else None
    chain = Chain([], layer.a0, layer.c0, [], [])
    d, d_c = fl.total(*da[-1]), fl.total(*dc[-1])
    for t in reversed(range(T_x)):
        assert steps
        chain.da.insert(0, d)
        if WpT:
            d = fl.matmul(WpT, d)
        dz, d_c_prev = steps.back(t, d, d_c)
        back = fl.matmul(WT, dz)
        if within is not None and not within[t].all():
            dz, back, d_c_prev = (masked_steps([each], within[t : t + 1])[0] for each in (dz, back, d_c_prev))
        chain.dz.insert(0, dz)
        chain.dx.insert(0, back[:, n_h:])
        d, d_c = fl.total(*da[t], back[:, :n_h]), fl.total(*dc[t], d_c_prev)
    return chain._replace(da0=d, dc0=d_c)


def memory_states_before(layer: Layer) -> list[Bounded]:
    """The memory state before each step; for an RNN, `c0`, which has no rows."""
    return [layer.c0, *(step.get("c", layer.c0) for step in layer.steps)][: len(layer.steps)]


def parameter_gradients(
    fl: Arithmetic, layer: Layer, chain: Chain, within: Array | None = None
) -> dict[str, Bounded]:
    """The gradients with respect to the parameters of a layer, `(k, n, columns, 1)`.

    They are sums over samples and steps, without the padding, which may be NaN.
    """
    a_prev = [layer.a0, *(step["a"] for step in layer.steps)][: len(layer.steps)]
    if within is not None:
        a_prev = masked_steps(a_prev, within)
    n_h, k = layer.a0.value.shape[1], len(layer.a0.value)
    if chain.dz:
        a, x, dz = (_joined_samples(steps) for steps in (a_prev, layer.xs, chain.dz))
        concat = joined_rows(a, x, _exact(np.ones((k, 1, a.value.shape[2]))))
        dW = fl.matmul(dz, _transposed(concat))
    else:
        W = stacked_weights(layer.p)
        dW = _exact(np.zeros((k, W.shape[1], W.shape[2] + 1)))
    dW = dW[..., None]
    if "Waa" in layer.p:
        return {"Wax": dW[:, :, n_h:-1], "Waa": dW[:, :, :n_h], "ba": dW[:, :, -1:]}
    n_a = layer.c0.value.shape[1]
    parts = {gate: dW[:, j * n_a : (j + 1) * n_a] for j, gate in enumerate("fico")}
    gradients = {f"W{gate}": part[:, :, :-1] for gate, part in parts.items()}
    gradients |= {f"b{gate}": part[:, :, -1:] for gate, part in parts.items()}
    if "Wp" in layer.p:
        gradients["Wp"] = _projection_gradient(fl, layer, chain, within)[..., None]
    return gradients


def _projection_gradient(fl: Arithmetic, layer: Layer, chain: Chain, within: Array | None) -> Bounded:
    if not layer.steps:
        return _exact(np.zeros_like(layer.p["Wp"]))
    hidden = [fl.times(step["ot"], fl.tanh(step["c"])) for step in layer.steps]
    unprojected = _joined_samples(hidden if within is None else masked_steps(hidden, within))
    return fl.matmul(_joined_samples(chain.da), _transposed(unprojected))


def _exact(arrays: object) -> Bounded:
    """An array without an error, or a stack of several arrays."""
    return Bounded.exact(arrays if isinstance(arrays, np.ndarray) else np.stack([*arrays]))  # type: ignore[misc]


def _joined_samples(steps: Sequence[Bounded]) -> Bounded:
    """All steps (at least one) as samples of one step, `(k, n, T_x m)`."""
    return Bounded.concatenated(steps, axis=2)


def _transposed(x: Bounded) -> Bounded:
    return x.rearranged(lambda part: part.swapaxes(1, 2))
