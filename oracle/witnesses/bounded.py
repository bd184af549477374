"""Quantities with bounds on their errors; `rounding` has the rules that compute the bounds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np

from reference.contract import Array

LESS_STABLE = 1000
"""How many times as much a wrong network may enlarge roundings as the right one."""


@dataclass(slots=True)  # not frozen, since it takes three times as long to create frozen instances
class Bounded:
    """A quantity, evaluated in float64, and the largest error that a correct program can make."""

    value: Array
    error: Array
    _reach: Array | None = field(default=None, init=False)
    _is_zero: Array | None = field(default=None, init=False)

    @classmethod
    def exact(cls, value: Array) -> Self:
        """A quantity without an error, such as an input."""
        value = value.astype(np.float64)
        return cls(value, np.zeros(value.shape))

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

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value and of the error."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the value."""
        return self.value.dtype

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> "Bounded":
        return Bounded(self.value[index], self.error[index])

    def __setitem__(self, index: Any, other: "Bounded") -> None:
        self.value[index], self.error[index] = other.value, other.error

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        """A NumPy function that moves or selects elements moves the values and the errors."""
        if function in _JOINING:
            parts, *rest = arguments
            parts = [part.value for part in parts], [part.error for part in parts]
            return Bounded(*(function(part, *rest, **options) for part in parts))
        if function is np.where:
            condition, x, y = arguments  # y may be the number 0
            values, errors = (y.value, y.error) if isinstance(y, Bounded) else (y, 0)
            return Bounded(np.where(condition, x.value, values), np.where(condition, x.error, errors))
        if function in _MOVING:
            return self.rearranged(lambda part: function(part, *arguments[1:], **options))
        return NotImplemented

    def rearranged(self, rearrange: Callable[[Array], Array]) -> "Bounded":
        """The quantity, with a function applied that moves or selects elements."""
        return Bounded(rearrange(self.value), rearrange(self.error))

    def scaled_to(self, answer: Array) -> "Bounded":
        """The bound with which a wrong answer is compared: times `|answer / value|`, if that is more than 1.

        A larger answer has larger roundings. A wrong one may be that of another element, and of a network
        that enlarges roundings: its bound is at least `LESS_STABLE` times the largest finite one. Where the
        bound is 0, the result is infinite.
        """
        largest = self.error[np.isfinite(self.error)].max(initial=0.0)
        with np.errstate(all="ignore"):
            scaled = np.fmax(1, np.abs(answer / self.value)) * self.error
            scaled = np.where(
                np.abs(answer - self.value) > self.error,
                np.fmax(scaled, np.fmin(LESS_STABLE * np.fmax(scaled, largest), 1e-6 * (1 + np.abs(answer)))),
                scaled,
            )
        scaled = np.where((self.error == 0) & (answer != self.value), np.inf, scaled)
        return Bounded(self.value, np.where(np.isfinite(answer) & (scaled > 0), scaled, self.error))


_JOINING = {np.concatenate, np.stack}
_MOVING = {np.copy, np.reshape, np.swapaxes, np.take_along_axis, np.transpose}
"""The functions of NumPy that accept a `Bounded`, beside `np.where`, which selects elements or 0."""


class Matrix(NamedTuple):
    """A matrix for several products, with the parts of their bounds that depend only on the matrix.

    `error` is the error of the entries; `None` if all are exact. `subnormal` has what each entry loses if a
    program flushes it to zero; `None` if no entry can be subnormal.
    """

    bounded: Bounded
    error: Array | None
    subnormal: Array | None


class Factors(NamedTuple):
    """A product of `n` quantities, to multiply by others in `Arithmetic.product`.

    `error` does not include the rounding of the product itself. `size` is the largest magnitude of a computed
    product, and `largest` that of a partial product; `largest` is 0 where a factor is not finite.
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
        single = [
            cls(x.value, x.error, x.reach, where_finite(x.value, np.fmax(1, x.reach)), x.is_zero, 1)
            for x in factors
        ]
        return reduce(cls.times, single)

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

    def entries(self, index: Any) -> "Factors":
        """The entries at an index of the arrays."""
        arrays = (array[index] for array in self[:-1])
        return self._replace(**dict(zip(self._fields, arrays, strict=False)))


def where_finite(number: Array, values: Array) -> Array:
    """The elements of `values` where `number` is finite, and 0 elsewhere."""
    return np.where(np.isfinite(number), values, 0)
