"""Computes the exact gradients, by the chain rule in ball arithmetic (see `oracle.exact`).

For a backward pass that takes caches, the exact gradients are those of the numbers in the caches; for whole
layers, they are those of the exact function.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np
from flint import arb, arb_mat

from oracle.backward_inputs import AnyBackward, BackwardInputs, LayerBackwardInputs, gradient_name
from oracle.exact import (
    Affine,
    Direction,
    Enclosure,
    Network,
    TooWideError,
    Values,
    balls,
    check_width,
    columns,
    evaluate_directions,
    narrow_result,
    network_of,
)
from oracle.inputs import stacked_weights
from reference.contract import Array

Weights = Mapping[str, Array]


class _Chain(NamedTuple):
    """The results of the chain rule for one direction on one sample.

    `dx`, `da0` and `dc0` are the gradients with respect to each input and to the initial states. For the
    gradients with respect to weights, `dz` has the gradients with respect to the pre-activations of each
    step, and `concat` the vectors by which the weights are multiplied. For a projection, `da` has the
    gradients with respect to the hidden states, and `unprojected` the vectors that are projected.
    """

    dx: list[Values]
    da0: Values
    dc0: Values
    dz: list[Values]
    concat: list[Values]
    da: list[Values]
    unprojected: list[Values]


def evaluate(inputs: AnyBackward, radius: float) -> dict[str, Array]:
    """Every gradient by name.

    `dx` is `(n_x, m, T_x)`. `da0` and, for an LSTM, `dc0` are `(n, m, 1)`, with the rows of all layers.
    Gradients with respect to parameters are `(n, k, 1)`; for layers, their names are those of
    `oracle.backward_inputs.gradient_name`. Each is an array of `Enclosure`. For the radius and the errors
    raised, see `oracle.exact.evaluate`.
    """
    values = narrow_result(partial(_values, inputs), radius)
    enclosures: Any = np.frompyfunc(Enclosure, 1, 1)
    return {name: enclosures(array) for name, array in values.items()}


def _values(inputs: AnyBackward, radius: float) -> dict[str, Array]:
    (n_x, m, T_x), is_layer = inputs.x.shape, isinstance(inputs, LayerBackwardInputs)
    every: Sequence[Weights] = inputs.parameters if is_layer else [inputs.parameters]  # type: ignore[list-item, assignment]
    gradients = {
        "dx": np.full((n_x, m, T_x), arb(0), object),
        "da0": np.full((prod(inputs.a0.shape[:-1]), m, 1), arb(0), object),
        "dc0": np.full((prod(inputs.c0.shape[:-1]), m, 1), arb(0), object),
    }
    networks = [network_of(inputs.kind, p, inputs.activation) for p in every if is_layer]
    chains: list[list[_Chain]] = [[] for _ in every]
    for j in range(m):
        sample = inputs.samples([j])
        if isinstance(sample, LayerBackwardInputs):
            dx, sample_chains = _through_layers(networks, sample, radius)
        else:
            chain = _through_caches(sample)
            dx, sample_chains = chain.dx, [chain]
        for t, column in enumerate(dx):
            gradients["dx"][:, j, t] = column
        for name in ("da0", "dc0"):
            gradients[name][:, j, 0] = [value for chain in sample_chains for value in getattr(chain, name)]
        for place, chain in enumerate(sample_chains):
            chains[place].append(chain)
    for place, (p, place_chains) in enumerate(zip(every, chains, strict=True)):
        for name, array in _parameter_gradients(p, place_chains).items():
            gradients[gradient_name(place, name) if is_layer else f"d{name}"] = array
    if inputs.kind == "rnn":
        del gradients["dc0"]
    check_width(radius, *(list(array.flat) for array in gradients.values()))
    return gradients


def _through_caches(inputs: BackwardInputs) -> _Chain:
    """The chain of one sample, from the numbers in its caches."""
    steps = [
        {name: balls(array[:, 0, t]) for name, array in inputs.cached.items()}
        for t in range(inputs.x.shape[2])
    ]
    a0, c0 = balls(inputs.a0), balls(inputs.c0)
    da = [[arb(0)] * len(a0), *columns(inputs.da)]
    dc = [*([arb(0)] * len(c0) for _ in steps), balls(inputs.dc)]
    return _chain(inputs.parameters, "tanh", Direction(a0, c0, columns(inputs.x), steps), da, dc)


def _through_layers(
    networks: Sequence[Network], inputs: LayerBackwardInputs, radius: float
) -> tuple[list[Values], list[_Chain]]:
    """The gradients of one sample with respect to its inputs, and the chain of each direction and layer."""
    directions, _ = evaluate_directions(networks, inputs, radius)
    D, n_h = inputs.directions, inputs.a0.shape[1]
    da = columns(inputs.da[:, :, : inputs.ends[0]])
    chains: list[_Chain] = []
    for k in reversed(range(0, len(directions), D)):
        layer_chains = []
        for place in range(k, k + D):
            order = -1 if place > k else 1
            rows = slice((place - k) * n_h, (place - k + 1) * n_h)
            da_states = [[arb(0)] * n_h, *(column[rows] for column in da[::order])]
            dc_states = [[arb(0)] * len(directions[place].c0) for _ in da_states]
            for states, last in ((da_states, inputs.da_last), (dc_states, inputs.dc_last)):
                states[-1] = [x + y for x, y in zip(states[-1], balls(last[place]), strict=True)]
            p = inputs.parameters[place]
            layer_chains.append(_chain(p, inputs.activation, directions[place], da_states, dc_states))
        dx = [chain.dx[:: -1 if i else 1] for i, chain in enumerate(layer_chains)]
        da = [[sum(terms, arb(0)) for terms in zip(*step, strict=True)] for step in zip(*dx, strict=True)]
        chains = layer_chains + chains
    return da, chains


def _chain(
    p: Weights, activation: str, forward: Direction, da: Sequence[Values], dc: Sequence[Values]
) -> _Chain:
    """Apply the chain rule from the last step to the first.

    `da` and `dc` are the direct gradients with respect to each state, the initial state first.
    """
    n_h, T, is_rnn = len(forward.a0), len(forward.steps), "Waa" in p
    a_prev = [forward.a0, *(step["a"] for step in forward.steps)][:T]
    c_prev = [forward.c0, *(step.get("c", forward.c0) for step in forward.steps)][:T]
    by_concat = _product_with(stacked_weights(p).T)
    by_projection = _product_with(p["Wp"].T) if "Wp" in p else None
    chain = _Chain([], [], [], [], [], [], [])
    d, d_c = da[-1], dc[-1]
    for t in reversed(range(T)):
        step = forward.steps[t]
        chain.da.append(d)
        if by_projection:
            d = by_projection(d)
        if is_rnn:
            slopes = [_relu_slope(a) if activation == "relu" else 1 - a * a for a in step["a"]]
            dz = [x * slope for x, slope in zip(d, slopes, strict=True)]
        else:
            h = [c.tanh() for c in step["c"]]
            ft, it, cct, ot = (step[name] for name in ("ft", "it", "cct", "ot"))
            d_c = [y + x * o * (1 - h_ * h_) for x, y, o, h_ in zip(d, d_c, ot, h, strict=True)]
            dz = [x * c * f * (1 - f) for x, c, f in zip(d_c, c_prev[t], ft, strict=True)]
            dz += [x * g * i * (1 - i) for x, i, g in zip(d_c, it, cct, strict=True)]
            dz += [x * i * (1 - g * g) for x, i, g in zip(d_c, it, cct, strict=True)]
            dz += [x * h_ * o * (1 - o) for x, h_, o in zip(d, h, ot, strict=True)]
            d_c = [x + y * f for x, y, f in zip(dc[t], d_c, ft, strict=True)]
            chain.unprojected.append([o * h_ for o, h_ in zip(ot, h, strict=True)])
        back = by_concat(dz)
        chain.dz.append(dz)
        chain.concat.append([*a_prev[t], *forward.xs[t]])
        chain.dx.insert(0, back[n_h:])
        d = [x + y for x, y in zip(da[t], back[:n_h], strict=True)]
    return chain._replace(da0=d, dc0=d_c)


def _parameter_gradients(p: Weights, chains: Sequence[_Chain]) -> dict[str, Array]:
    """The gradients with respect to the parameters of one direction: sums over the samples and the steps."""
    rows, k = stacked_weights(p).shape
    every = [(dz, [*v, arb(1)]) for chain in chains for dz, v in zip(chain.dz, chain.concat, strict=True)]
    dW = _sum_of_outer_products(every, rows, k + 1)
    if "Waa" in p:
        return {"Wax": dW[:, rows:-1], "Waa": dW[:, :rows], "ba": dW[:, -1:]}
    by_gate = dict(zip("fico", np.split(dW, 4), strict=True))
    gradients = {f"W{gate}": part[:, :-1] for gate, part in by_gate.items()}
    gradients |= {f"b{gate}": part[:, -1:] for gate, part in by_gate.items()}
    if "Wp" in p:
        pairs = [pair for chain in chains for pair in zip(chain.da, chain.unprojected, strict=True)]
        gradients["Wp"] = _sum_of_outer_products(pairs, *p["Wp"].shape)
    return gradients


def _sum_of_outer_products(pairs: Sequence[tuple[Values, Values]], rows: int, width: int) -> Array:
    """The sum of the outer products of pairs of vectors, `(rows, width, 1)`."""
    if not (pairs and rows and width):
        return np.full((rows, width, 1), arb(0), object)
    first, second = (arb_mat([list(vector) for vector in vectors]) for vectors in zip(*pairs, strict=True))
    return np.array((first.transpose() * second).entries(), object).reshape(rows, width, 1)


def _product_with(W: Array) -> Affine:
    """The function that multiplies a vector by the matrix W."""
    rows, width = W.shape
    if not W.size:
        return lambda _: [arb(0)] * rows
    matrix = arb_mat(rows, width, balls(W))
    return lambda v: list((matrix * arb_mat(width, 1, v)).entries())


def _relu_slope(a: arb) -> arb:
    """The slope of relu, from its result `a`: 1 for a positive or infinite `a`, 0 for 0, NaN for NaN."""
    if a > 0:
        return arb(1)
    if a == 0:
        return arb(0)
    if a.is_finite():
        raise TooWideError
    return arb.nan()
