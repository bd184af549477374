"""Encloses the exact gradients, by the chain rule in ball arithmetic.

For a backward pass that takes caches, the exact gradients are those of the numbers in the caches; for whole
layers, those of the exact function. The module shares no code with `oracle.rounding`, whose bounds it tests.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np
from flint import arb, arb_mat

from oracle.backward_inputs import AnyBackward, BackwardInputs, LayerBackwardInputs, by_parameter
from oracle.exact import (
    Affine,
    Direction,
    Enclosure,
    Network,
    TooWideError,
    Values,
    balls,
    check_width,
    directions,
    narrow_result,
    network_of,
)
from reference.contract import Array

Weights = Mapping[str, Array]


class _Chain(NamedTuple):
    """The results of the chain rule for one direction on one sample, in the order of the direction.

    `dx`, `da0` and `dc0` are the gradients with respect to each input and to the initial states. For the
    gradients with respect to weights, `dz` has the gradients with respect to the pre-activations of each
    step, and `concat` the vectors that the weights multiply. For a projection, `da` has the gradients with
    respect to the hidden states, and `unprojected` the vectors that the projection multiplies.
    """

    dx: list[Values]
    da0: Values
    dc0: Values
    dz: list[Values]
    concat: list[Values]
    da: list[Values]
    unprojected: list[Values]


def evaluate(inputs: AnyBackward, radius: float) -> dict[str, Array]:
    """Every gradient, by the name of the output.

    `dx` is `(n_x, m, T_x)`. `da0` and, for an LSTM, `dc0` are `(n, m, 1)`, with the rows of all layers.
    Gradients with respect to parameters are `(n, k, 1)`; for layers, `oracle.backward_inputs.by_parameter`
    makes their names. Each is an array of `Enclosure`, as narrow as those of `oracle.exact.evaluate`, which
    raises the same errors.
    """
    if not 0 < radius < np.inf:
        raise ValueError(f"radius={radius!r}, expected a positive number")
    values = narrow_result(partial(_values, inputs, min(radius, 1.0)), min(radius, 1.0))
    return {
        name: np.array([Enclosure(value) for value in array.flat], object).reshape(array.shape)
        for name, array in values.items()
    }


def _values(inputs: AnyBackward, radius: float) -> dict[str, Array]:
    (n_x, m, T_x), is_layer = inputs.x.shape, isinstance(inputs, LayerBackwardInputs)
    every: Sequence[Weights] = inputs.parameters if is_layer else [inputs.parameters]  # type: ignore[list-item, assignment]
    found = {
        "dx": np.full((n_x, m, T_x), arb(0), object),
        "da0": np.full((prod(inputs.a0.shape[:-1]), m, 1), arb(0), object),
        "dc0": np.full((prod(inputs.c0.shape[:-1]), m, 1), arb(0), object),
    }
    networks = [network_of(inputs.kind, p, inputs.activation) for p in every if is_layer]
    chains: list[list[_Chain]] = [[] for _ in every]
    for j in range(m):
        sample = inputs.columns([j])
        if isinstance(sample, LayerBackwardInputs):
            dx, of_places = _through_layers(networks, sample, radius)
        else:
            chain = _given_caches(sample)
            dx, of_places = chain.dx, [chain]
        for t, column in enumerate(dx):
            found["dx"][:, j, t] = column
        for name in ("da0", "dc0"):
            found[name][:, j, 0] = [value for chain in of_places for value in getattr(chain, name)]
        for place, chain in enumerate(of_places):
            chains[place].append(chain)
    for place, (p, of_place) in enumerate(zip(every, chains, strict=True)):
        for name, array in _by_parameters(p, of_place).items():
            found[by_parameter(place, name) if is_layer else f"d{name}"] = array
    if inputs.kind == "rnn":
        del found["dc0"]
    check_width(radius, *(list(array.flat) for array in found.values()))
    return found


def _given_caches(inputs: BackwardInputs) -> _Chain:
    """The chain of one sample, from the numbers in its caches."""
    steps = [
        {name: balls(array[:, 0, t]) for name, array in inputs.shown.items()}
        for t in range(inputs.x.shape[2])
    ]
    a0, c0, xs = balls(inputs.a0), balls(inputs.c0), [balls(x) for x in np.moveaxis(inputs.x, 2, 0)]
    da = [[arb(0)] * len(a0), *(balls(column) for column in np.moveaxis(inputs.da, 2, 0))]
    dc = [*([arb(0)] * len(c0) for _ in steps), balls(inputs.dc)]
    return _chain(inputs.parameters, "tanh", Direction(a0, c0, xs, steps), da, dc)


def _through_layers(
    networks: Sequence[Network], inputs: LayerBackwardInputs, radius: float
) -> tuple[list[Values], list[_Chain]]:
    """The gradients of one sample with respect to its inputs, and the chain of each direction and layer."""
    every, _ = directions(networks, inputs, radius)
    D, end, n_h = inputs.directions, int(inputs.ends[0]), inputs.a0.shape[1]
    da = [balls(column) for column in np.moveaxis(inputs.da[:, :, :end], 2, 0)]
    chains: list[_Chain] = []
    for k in reversed(range(0, len(every), D)):
        of_layer = []
        for place in range(k, k + D):
            order = -1 if place > k else 1
            rows = slice((place - k) * n_h, (place - k + 1) * n_h)
            by_a = [[arb(0)] * n_h, *(column[rows] for column in da[::order])]
            by_c = [[arb(0)] * len(every[place].c0) for _ in by_a]
            for states, last in ((by_a, inputs.da_last), (by_c, inputs.dc_last)):
                states[-1] = [x + y for x, y in zip(states[-1], balls(last[place]), strict=True)]
            p = inputs.parameters[place]
            of_layer.append(_chain(p, inputs.activation, every[place], by_a, by_c))
        in_order = [chain.dx[:: -1 if i else 1] for i, chain in enumerate(of_layer)]
        da = [
            [sum(parts, arb(0)) for parts in zip(*columns, strict=True)]
            for columns in zip(*in_order, strict=True)
        ]
        chains = of_layer + chains
    return da, chains


def _chain(
    p: Weights, activation: str, given: Direction, da: Sequence[Values], dc: Sequence[Values]
) -> _Chain:
    """Apply the chain rule from the last step to the first.

    `da` and `dc` are the direct gradients with respect to each state; the initial state is the first.
    """
    n_h, T, is_rnn = len(given.a0), len(given.steps), "Waa" in p
    W = (
        np.concatenate([p["Waa"], p["Wax"]], axis=1)
        if is_rnn
        else np.concatenate([p[f"W{g}"] for g in "fico"])
    )
    a_prev = [given.a0, *(step["a"] for step in given.steps)][:T]
    c_prev = [given.c0, *(step.get("c", given.c0) for step in given.steps)][:T]
    by_concat, by_projection = _linear(W.T), _linear(p["Wp"].T) if "Wp" in p else None
    chain = _Chain([], [], [], [], [], [], [])
    d, d_c = da[-1], dc[-1]
    for t in reversed(range(T)):
        step = given.steps[t]
        chain.da.append(d)
        if by_projection:
            d = by_projection(d)
        if is_rnn:
            slopes = [_relu_slope(a) if activation == "relu" else 1 - a * a for a in step["a"]]
            dz = [x * slope for x, slope in zip(d, slopes, strict=True)]
        else:
            h = [c.tanh() for c in step["c"]]
            names = ("ft", "it", "cct", "ot")
            units = list(zip(d, d_c, h, c_prev[t], *(step[name] for name in names), strict=True))
            by_c = [dc_ + da_ * o * (1 - h_ * h_) for da_, dc_, h_, _, _, _, _, o in units]
            dz = [x * c * f * (1 - f) for x, (_, _, _, c, f, _, _, _) in zip(by_c, units, strict=True)]
            dz += [x * g * i * (1 - i) for x, (_, _, _, _, _, i, g, _) in zip(by_c, units, strict=True)]
            dz += [x * i * (1 - g * g) for x, (_, _, _, _, _, i, g, _) in zip(by_c, units, strict=True)]
            dz += [da_ * h_ * o * (1 - o) for da_, _, h_, _, _, _, _, o in units]
            d_c = [x + y * f for x, y, f in zip(dc[t], by_c, step["ft"], strict=True)]
            chain.unprojected.append([o * h_ for o, h_ in zip(step["ot"], h, strict=True)])
        back = by_concat(dz)
        chain.dz.append(dz)
        chain.concat.append([*a_prev[t], *given.xs[t]])
        chain.dx.insert(0, back[n_h:])
        d = [x + y for x, y in zip(da[t], back[:n_h], strict=True)]
    return chain._replace(da0=d, dc0=d_c)


def _by_parameters(p: Weights, chains: Sequence[_Chain]) -> dict[str, Array]:
    """The gradients with respect to the parameters of one direction: sums over the samples and the steps."""
    is_rnn = "Waa" in p
    k = sum(p[name].shape[1] for name in ("Waa", "Wax")) if is_rnn else p["Wf"].shape[1]
    rows = len(p["ba"]) if is_rnn else 4 * len(p["bf"])
    every = [(dz, [*v, arb(1)]) for chain in chains for dz, v in zip(chain.dz, chain.concat, strict=True)]
    dW = _outer(every, rows, k + 1)
    if is_rnn:
        n_a = len(p["ba"])
        return {"Wax": dW[:, n_a:-1], "Waa": dW[:, :n_a], "ba": dW[:, -1:]}
    by_gate = dict(zip("fico", np.split(dW, 4), strict=True))
    found = {f"W{gate}": part[:, :-1] for gate, part in by_gate.items()}
    found |= {f"b{gate}": part[:, -1:] for gate, part in by_gate.items()}
    if "Wp" in p:
        pairs = [pair for chain in chains for pair in zip(chain.da, chain.unprojected, strict=True)]
        found["Wp"] = _outer(pairs, *p["Wp"].shape)
    return found


def _outer(pairs: Sequence[tuple[Values, Values]], rows: int, columns: int) -> Array:
    """The sum of the outer products of pairs of vectors, `(rows, columns, 1)`."""
    if not (pairs and rows and columns):
        return np.full((rows, columns, 1), arb(0), object)
    first, second = (arb_mat([list(vector) for vector in vectors]) for vectors in zip(*pairs, strict=True))
    return np.array((first.transpose() * second).entries(), object).reshape(rows, columns, 1)


def _linear(W: Array) -> Affine:
    """The product with a matrix."""
    rows, columns = W.shape
    if not W.size:
        return lambda _: [arb(0)] * rows
    matrix = arb_mat(rows, columns, balls(W))
    return lambda v: list((matrix * arb_mat(columns, 1, v)).entries())


def _relu_slope(a: arb) -> arb:
    """The slope of relu where the result of relu is `a`: 1 for a positive or infinite `a`, 0 for 0."""
    if a > 0:
        return arb(1)
    if a == 0:
        return arb(0)
    if a.is_finite():
        raise TooWideError
    return arb.nan()
