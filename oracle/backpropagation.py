"""The bounds of a backward pass: the rules of `oracle.rounding`, applied back through time and layers.

For a backward pass that takes caches, the right gradients are those of the numbers in the caches. But a
program may compute the states and gates of a step again from the inputs of the step. So the cached numbers
have an error: twice the bound of one step. For whole layers, the right gradients are those of the exact
function, and the errors of the forward pass propagate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from oracle.backward_inputs import AnyBackward, BackwardInputs, LayerBackwardInputs, by_parameter
from oracle.backward_step import steps_of
from oracle.propagation import (
    Layer,
    direction_slice,
    exact_states,
    for_each_dtype,
    inputs_of_each,
    joined,
    layers,
    masked,
    over_time,
    split_directions,
    stacked,
    stacked_directions,
    unrolled,
)
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


def evaluate(inputs: AnyBackward) -> dict[str, Bounded]:
    """Every gradient with its bound; the shapes and names are those of `oracle.exact_gradient.evaluate`."""
    return evaluate_each([inputs])[0]


def evaluate_each(alike: Sequence[AnyBackward]) -> list[dict[str, Bounded]]:
    """The results of `evaluate` for several inputs of equal shapes, computed at once to save time.

    Each result has the bounds of the precision of its input.
    """
    return for_each_dtype(_gradients, alike)


def _gradients(fl: Arithmetic, alike: Sequence[AnyBackward]) -> dict[str, Bounded]:
    of_layers = [inputs for inputs in alike if isinstance(inputs, LayerBackwardInputs)]
    given = [inputs for inputs in alike if isinstance(inputs, BackwardInputs)]
    return _layer_gradients(fl, of_layers) if of_layers else _function_gradients(fl, given)


def _function_gradients(fl: Arithmetic, alike: Sequence[BackwardInputs]) -> dict[str, Bounded]:
    """The gradients of a backward pass that takes caches."""
    given, first = cached(fl, alike), alike[0]
    da = [_exact(np.zeros_like(each.a0) for each in alike), *_each_step([each.da for each in alike])]
    dc = [
        *(_exact(np.zeros_like(each.c0) for each in alike) for _ in given.steps),
        _exact(each.dc for each in alike),
    ]
    chain = back_through_time(fl, given, [(each,) for each in da], [(each,) for each in dc])
    return {
        "dx": over_time(chain.dx, _exact(each.x[:, :, :0].sum(axis=2) for each in alike)),
        "da0": chain.da0[..., None],
        **({"dc0": chain.dc0[..., None]} if first.kind == "lstm" else {}),
        **{f"d{name}": bounded for name, bounded in parameter_gradients(fl, given, chain).items()},
    }


def cached(fl: Arithmetic, alike: Sequence[BackwardInputs]) -> Layer:
    """The numbers in the caches. Their error is twice the bound of one step from the cached states."""
    p, first = stacked([inputs.parameters for inputs in alike]), alike[0]
    xs = inputs_of_each(alike)
    a0, c0 = (_exact(getattr(each, name) for each in alike) for name in ("a0", "c0"))
    if not xs:
        return Layer(p, a0, c0, xs, [])
    # Each step starts from the cached states, so all steps are evaluated as samples of one step.
    a_prev, c_prev, x = (
        _side_by_side(_each_step([getattr(each, name) for each in alike]))
        for name in ("a_prev", "c_prev", "x")
    )
    [every] = unrolled(fl, Layer(p, a_prev, c_prev, [x]), "tanh")
    values = {name: _each_step([each.shown[name] for each in alike]) for name in first.shown}
    errors = {name: np.split(2 * every[name].error, len(xs), axis=2) for name in first.shown}
    steps = [
        {name: Bounded(values[name][t].value, errors[name][t]) for name in first.shown}
        for t in range(len(xs))
    ]
    return Layer(p, a0, c0, xs, steps)


def _layer_gradients(fl: Arithmetic, alike: Sequence[LayerBackwardInputs]) -> dict[str, Bounded]:
    """The gradients of layers, from the top layer down; after the end of a sample they are exactly 0."""
    first, D = alike[0], alike[0].directions
    every, _ = layers(fl, alike)
    within, ends, backward = (
        np.stack([getattr(inputs, name) for inputs in alike]) for name in ("within", "ends", "backward")
    )
    own, n_h = np.moveaxis(within, 2, 0)[:, :, None], first.a0.shape[1]
    own_of_each, ends = np.concatenate([own] * D, axis=1), np.concatenate([ends] * D)
    da = masked(_each_step([inputs.da for inputs in alike]), own)
    found: dict[str, Bounded] = {}
    chains: list[Chain] = []
    for k, layer in reversed([*enumerate(every)]):
        places = range(k * D, (k + 1) * D)
        by_rows = [[step[:, i * n_h : (i + 1) * n_h] for step in da] for i in range(D)]
        by_a = [_zeros(layer.a0), *stacked_directions(by_rows, backward)]
        by_c = [_zeros(layer.c0)] * len(by_a)
        by_a_last, by_c_last = (exact_states(alike, name, places) for name in ("da_last", "dc_last"))
        parts = _with_last_states(by_a, by_a_last, ends), _with_last_states(by_c, by_c_last, ends)
        chain = back_through_time(fl, layer, *parts, own_of_each)
        chains.insert(0, chain)
        for name, bounded in parameter_gradients(fl, layer, chain, own_of_each).items():
            found |= {
                by_parameter(place, name): direction_slice(bounded, i, D) for i, place in enumerate(places)
            }
        by_x = split_directions(chain.dx, backward, D)
        da = masked([fl.total(*parts) for parts in zip(*by_x, strict=True)], own)
    found["dx"] = over_time(da, _exact(inputs.x[:, :, :0].sum(axis=2) for inputs in alike))
    for name in ("da0", "dc0")[: 1 if first.kind == "rnn" else 2]:
        initial = (direction_slice(getattr(chain, name), i, D) for chain in chains for i in range(D))
        found[name] = joined(*initial)[..., None]
    return found


def _with_last_states(by_states: Sequence[Bounded], last: Bounded, ends: Array) -> list[tuple[Bounded, ...]]:
    """The direct gradients of the states at each step, with those of the last states added at each end."""
    return [
        (by_state, Bounded(np.where((ends == t)[:, None], last.value, 0), last.error))
        if (ends == t).any()
        else (by_state,)
        for t, by_state in enumerate(by_states)
    ]


def _zeros(like: Bounded) -> Bounded:
    return _exact(np.zeros_like(like.value))


class Chain(NamedTuple):
    """The results of the chain rule along the steps of a layer, each direction in its own order.

    They are the gradients with respect to the inputs and the initial states, and with respect to the
    pre-activations and the hidden states of each step.
    """

    dx: list[Bounded]
    da0: Bounded
    dc0: Bounded
    dz: list[Bounded]
    da: list[Bounded]


def back_through_time(
    fl: Arithmetic,
    given: Layer,
    da: Sequence[Sequence[Bounded]],
    dc: Sequence[Sequence[Bounded]],
    within: Array | None = None,
) -> Chain:
    """Apply the chain rule from the last step to the first.

    `da` and `dc` are parts of the direct gradients with respect to each state; the initial state is the
    first. A step that is not `within (T_x, k, 1, m)` a sample changes nothing.
    """
    n_h, T_x = given.a0.value.shape[1], len(given.steps)
    WT = fl.matrix(_exact(weights(given).swapaxes(1, 2)))
    WpT = fl.matrix(_exact(given.p["Wp"].swapaxes(1, 2))) if "Wp" in given.p else None
    steps = steps_of(fl, given.steps, memory_before(given)) if T_x else None
    chain = Chain([], given.a0, given.c0, [], [])
    d, d_c = fl.total(*da[-1]), fl.total(*dc[-1])
    for t in reversed(range(T_x)):
        assert steps
        chain.da.insert(0, d)
        if WpT:
            d = fl.matmul(WpT, d)
        dz, d_c_prev = steps.back(t, d, d_c)
        back = fl.matmul(WT, dz)
        if within is not None and not within[t].all():
            dz, back, d_c_prev = (masked([each], within[t : t + 1])[0] for each in (dz, back, d_c_prev))
        chain.dz.insert(0, dz)
        chain.dx.insert(0, back[:, n_h:])
        d, d_c = fl.total(*da[t], back[:, :n_h]), fl.total(*dc[t], d_c_prev)
    return chain._replace(da0=d, dc0=d_c)


def memory_before(given: Layer) -> list[Bounded]:
    """The memory state before each step."""
    return [given.c0, *(step.get("c", given.c0) for step in given.steps)][: len(given.steps)]


def weights(given: Layer) -> Array:
    """The weights that act on `[a_prev; x]`; for an LSTM, the gates are stacked in the order f, i, c, o."""
    p = given.p
    if "Waa" in p:
        return np.concatenate([p["Waa"], p["Wax"]], axis=2)
    return np.concatenate([p[f"W{gate}"] for gate in "fico"], axis=1)


def parameter_gradients(
    fl: Arithmetic, given: Layer, chain: Chain, within: Array | None = None
) -> dict[str, Bounded]:
    """The gradients with respect to the parameters of a layer, `(k, n, columns, 1)`.

    They are sums over samples and steps, without the steps that are not `within` a sample, which may be NaN.
    """
    a_prev = [given.a0, *(step["a"] for step in given.steps)][: len(given.steps)]
    if within is not None:
        a_prev = masked(a_prev, within)
    n_h, k = given.a0.value.shape[1], len(given.a0.value)
    if chain.dz:
        a, x, dz = (_side_by_side(steps) for steps in (a_prev, given.xs, chain.dz))
        concat = joined(a, x, _exact(np.ones((k, 1, a.value.shape[2]))))
        dW = fl.matmul(dz, _transposed(concat))
    else:
        W = weights(given)
        dW = _exact(np.zeros((k, W.shape[1], W.shape[2] + 1)))
    dW = dW[..., None]
    if "Waa" in given.p:
        return {"Wax": dW[:, :, n_h:-1], "Waa": dW[:, :, :n_h], "ba": dW[:, :, -1:]}
    n_a = given.c0.value.shape[1]
    parts = {gate: dW[:, j * n_a : (j + 1) * n_a] for j, gate in enumerate("fico")}
    found = {f"W{gate}": part[:, :, :-1] for gate, part in parts.items()}
    found |= {f"b{gate}": part[:, :, -1:] for gate, part in parts.items()}
    if "Wp" in given.p:
        found["Wp"] = _by_projection(fl, given, chain, within)[..., None]
    return found


def _by_projection(fl: Arithmetic, given: Layer, chain: Chain, within: Array | None) -> Bounded:
    if not given.steps:
        return _exact(np.zeros_like(given.p["Wp"]))
    hidden = [fl.times(step["ot"], fl.tanh(step["c"])) for step in given.steps]
    unprojected = _side_by_side(hidden if within is None else masked(hidden, within))
    return fl.matmul(_side_by_side(chain.da), _transposed(unprojected))


def _exact(arrays: object) -> Bounded:
    """An array without an error, or a stack of several arrays."""
    return Bounded.exact(arrays if isinstance(arrays, np.ndarray) else np.stack([*arrays]))  # type: ignore[misc]


def _each_step(arrays: Sequence[Array]) -> list[Bounded]:
    """The steps of arrays `(n, m, T_x)`, each a stack without an error."""
    every = _exact(np.moveaxis(np.stack(arrays), 3, 0))
    return [every[t] for t in range(len(every.value))]


def _side_by_side(steps: Sequence[Bounded]) -> Bounded:
    """All steps (at least one) side by side, `(k, n, T_x m)`."""
    values, errors = zip(*((step.value, step.error) for step in steps), strict=True)
    return Bounded(np.concatenate(values, axis=2), np.concatenate(errors, axis=2))


def _transposed(x: Bounded) -> Bounded:
    return Bounded(x.value.swapaxes(1, 2), x.error.swapaxes(1, 2))
