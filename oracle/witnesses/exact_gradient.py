"""Computes the exact gradients: the derivative of the network in ball arithmetic (see `exact`).

For a backward pass that takes caches, the exact gradients are those of the numbers in the caches; for whole
layers, they are those of the exact function.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from types import SimpleNamespace

import numpy as np
from flint import arb

from oracle.network.backward import gradients_of
from oracle.network.equations import SLOPES
from oracle.network.forward import Sweep, cached_sweep
from oracle.problems.backward_inputs import AnyBackward, BackwardInputs, is_sum_over_samples
from oracle.witnesses.exact import (
    OPERATIONS,
    TooWideError,
    as_enclosures,
    balls,
    check_width,
    matrix,
    narrow_result,
    of_equal_lengths,
    operations,
    product,
)
from reference.contract import Array


def evaluate(inputs: AnyBackward, radius: float) -> dict[str, Array]:
    """Every gradient by name.

    `dx` is `(n_x, m, T_x)`. `da0` and, for an LSTM, `dc0` are `(n, m, 1)`, with the rows of all layers.
    Gradients with respect to parameters are `(n, k, 1)`; for layers, their names are those of
    `oracle.problems.backward_inputs.gradient_name`. Each is an array of `Enclosure`. For the radius and the
    errors raised, see `exact.evaluate`.
    """
    values = narrow_result(partial(_values, inputs), radius)
    return {name: as_enclosures(array) for name, array in values.items()}


def _values(inputs: AnyBackward, radius: float) -> dict[str, Array]:
    op, (_, m, T_x) = operations(radius), inputs.x.shape

    def from_caches(batch: Sequence[BackwardInputs]) -> Sweep:
        return cached_sweep(op, batch, {name: balls(array[None]) for name, array in batch[0].cached.items()})

    values: dict[str, Array] = {}
    for group, samples in of_equal_lengths(inputs):
        for name, [array] in gradients_of(op, _BACKWARD, [samples], from_caches).items():
            rows, _, steps = array.shape
            if is_sum_over_samples(name):
                values[name] = values[name] + array if name in values else array
            else:
                whole = values.setdefault(
                    name, np.full((rows, m, T_x if name == "dx" else 1), arb(0), object)
                )
                whole[:, group, :steps] = array
    check_width(radius, *values.values())
    return values


def _transposed_map(W: Array) -> Callable[[Array], Array]:
    """The product of transposed weights with a vector, for stacks `(k, n, m)`."""
    maps = [matrix(each.T) for each in W]
    return lambda v: np.stack([product(*each) for each in zip(maps, v, strict=True)])


def _matmul(A: Array, B: Array) -> Array:
    """The products of stacks of matrices."""
    return np.stack([product(matrix(a), b) for a, b in zip(A, B, strict=True)])


def _relu_slope(z: arb) -> arb:
    """The slope of relu at z: 1 for a positive or infinite z, 0 for others, NaN for NaN."""
    if z > 0:
        return arb(1)
    if z <= 0:
        return arb(0)
    if z.is_finite():
        raise TooWideError
    return arb.nan()


_BACKWARD = SimpleNamespace(
    **OPERATIONS,
    **SLOPES,
    relu_slope=np.frompyfunc(_relu_slope, 1, 1),
    factors=lambda *factors: prod(factors),
    product=lambda gradient, factors, t: gradient * factors[t],
    total=lambda *terms: sum(terms),
    transposed_map=_transposed_map,
    matmul=_matmul,
)
"""The operations of the derivative on arrays of balls."""
