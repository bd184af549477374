"""Quantities with their bounds, and products with precomputed parts of their bounds.

`oracle.rounding` has the rules of the bounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np

from reference.contract import Array


@dataclass(slots=True)  # frozen instances take three times as long to make
class Bounded:
    """A float64 evaluation of a quantity, and the largest error of a correct program."""

    value: Array
    error: Array
    _reach: Array | None = field(default=None, init=False)
    _is_zero: Array | None = field(default=None, init=False)

    @classmethod
    def exact(cls, value: Array) -> Self:
        """An input, which every program gets without an error."""
        value = value.astype(np.float64)
        return cls(value, np.zeros(value.shape))

    @classmethod
    def stacked(cls, parts: Sequence["Bounded"], axis: int = 0) -> Self:
        """Quantities of equal shapes, stacked along a new axis."""
        return cls(np.stack([p.value for p in parts], axis), np.stack([p.error for p in parts], axis))

    @property
    def is_zero(self) -> Array:
        """Whether the exact value and every computed value are 0."""
        if self._is_zero is None:
            self._is_zero = np.asarray((self.value == 0) & (self.error == 0))
        return self._is_zero

    @property
    def reach(self) -> Array:
        """The largest magnitude that the exact or a computed value can have."""
        if self._reach is None:
            self._reach = np.asarray(np.abs(self.value) + 2 * self.error)
        return self._reach

    def __getitem__(self, index: Any) -> "Bounded":
        return Bounded(self.value[index], self.error[index])

    def scaled_to(self, answer: Array) -> "Bounded":
        """The bound for a wrong answer: the bound times `|answer / value|` where this factor is more than 1.

        It is infinite where the bound is 0 and the answer differs from the value, since the rounding is
        unknown.
        """
        with np.errstate(all="ignore"):
            grown = np.fmax(1, np.abs(answer / self.value)) * self.error
        grown = np.where((self.error == 0) & (answer != self.value), np.inf, grown)
        return Bounded(self.value, np.where(np.isfinite(answer) & (grown > 0), grown, self.error))


class Matrix(NamedTuple):
    """A matrix for several products, with precomputed parts of the bounds.

    `error` is the error of its entries. `subnormal` is the error of a product if subnormal entries count as
    0. Each is `None` if it is 0 everywhere.
    """

    bounded: Bounded
    error: Array | None
    subnormal: Array | None


class Factors(NamedTuple):
    """A product of quantities, as a factor of `Arithmetic.product`, without the error of its own rounding.

    `size` is the largest magnitude of a computed product, and `largest` the largest magnitude of a partial
    product; both are 0 where a factor is not finite.
    """

    value: Array
    error: Array
    size: Array
    largest: Array
    is_zero: Array
    n: int

    @classmethod
    def of(cls, *factors: Bounded) -> "Factors":
        """The product of these quantities."""
        every = [
            cls(x.value, x.error, x.reach, if_finite(x.value, np.fmax(1, x.reach)), x.is_zero, 1)
            for x in factors
        ]
        return reduce(cls.times, every)

    def times(self, other: "Factors") -> "Factors":
        """The product of this product and another."""
        return Factors(
            self.value * other.value,
            self.error * other.size + self.size * other.error,
            self.size * other.size,
            self.largest * other.largest,
            self.is_zero | other.is_zero,
            self.n + other.n,
        )

    def at(self, index: Any) -> "Factors":
        """The entries at an index."""
        *arrays, _ = self
        return self._replace(**dict(zip(self._fields, (array[index] for array in arrays), strict=False)))


def if_finite(number: Array, then: Array) -> Array:
    """The elements of `then` where `number` is finite; 0 elsewhere."""
    return np.where(np.isfinite(number), then, 0)
