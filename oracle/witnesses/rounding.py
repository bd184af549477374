"""The largest rounding error of a correct floating-point program: a rule for each operation.

Every quantity is a pair: a float64 evaluation, and a bound on the error of *any* correct program in the given
precision: with any order of summation, with or without FMA, with separate or stacked products, and with any
sound formula for tanh, sigmoid and softmax. The bound also holds for the float64 evaluation, since float64 is
at least as precise. So two correct programs differ by at most twice the bound. docs/bounds.md derives the
rules.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., ch. 2 (the model with underflow,
eq. 2.8) and ch. 3 (γ_n, Lemma 3.1; products of matrices, sec. 3.5); for softmax, Blanchard, Higham and
Higham, IMA J. Numer. Anal. 41 (2021).

A correct program may flush subnormal inputs and results to zero, unless underflow must be `gradual`. The
underflow unit is the smallest normal number; with gradual underflow, it is the smallest subnormal number.
"""

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


SLACK = 1 + 1e-6
"""A factor that covers the rounding of the bounds themselves, with up to 1e9 float64 operations in a row."""

# docs/bounds.md has the sources of these constants, in its section "What libraries promise". All are in units
# roundoff; one ulp is at most 2.
EXP = 8
"""The largest relative error of exp and log in a library."""
TANH = 12
"""The largest relative error of tanh in a library."""
SIGMOID = 10
"""The largest error of a sigmoid in a library, relative to the larger of σ(z) and σ(-z)."""
TANH_BY_FORMULA, SIGMOID_BY_FORMULA = 8.5, 6
"""The largest absolute errors of a tanh and a sigmoid that are computed by a formula, such as 1/(1+e^-z)."""


class Arithmetic:
    """The rules of rounding in one precision, with unit roundoff `u` and underflow unit `eta`.

    Each rule takes stacks of matrices, like `numpy.matmul`.
    """

    def __init__(self, dtype: Any, *, gradual: bool = False) -> None:
        limits = np.finfo(dtype)
        self.u = float(limits.eps) / 2
        self.eta = float(limits.smallest_subnormal if gradual else limits.tiny)
        self.gradual = gradual
        self.largest = float(limits.max)

    def gamma(self, n: int) -> float:
        """γ_n = n u / (1 - n u); infinity if n u is 1 or more."""
        nu = n * self.u
        return nu / (1 - nu) if nu < 1 else np.inf

    def matrix(self, A: Bounded) -> Matrix:
        """Compute the parts of the bounds of products that depend only on the matrix."""
        return Matrix(A, A.error if A.error.any() else None, self._subnormal(A))

    def affine(self, W: Array | Matrix, v: Bounded, b: Array) -> Bounded:
        """`W v + b` with exact W and b. b may be the sum of two biases, as in torch.

        Each of k products is rounded once, and passes through at most k + 1 additions. If a partial sum might
        overflow in some order, the result is unknown, and may even be NaN.
        """
        W = W if isinstance(W, Matrix) else self.matrix(Bounded.exact(W))
        value, size = W.bounded.value, W.bounded.reach
        k = size.shape[-1]
        terms = size @ v.reach + np.abs(b)
        rounding = self.gamma(k + 2) * terms + (2 * k + 4) * self.eta + self._flushing(W, v)
        z = _bounded(value @ v.value + b, np.where(terms == 0, 0, rounding + size @ v.error))
        if (terms <= self.largest).all():
            return z
        terms = where_finite(value, size) @ where_finite(v.value, v.reach) + where_finite(b, np.abs(b))
        return _with_unknown(z, ~(terms <= self.largest))

    def _flushing(self, A: Matrix, B: Bounded) -> Array | float:
        """The error of `A B` if a program flushes every factor that may be subnormal to zero."""
        error: Array | float = 0.0
        if A.subnormal is not None:
            error = error + A.subnormal @ B.reach
        subnormal = self._subnormal(B)
        return error if subnormal is None else error + A.bounded.reach @ subnormal

    def _subnormal(self, x: Bounded) -> Array | None:
        """What each element loses if it is flushed to zero; `None` if no element can be subnormal."""
        if self.gradual:
            return None
        loss = np.where(np.abs(x.value) - x.error < self.eta, np.fmin(x.reach, self.eta), 0)
        return loss if loss.any() else None

    def tanh(self, z: Bounded) -> Bounded:
        """Tanh, with its slope sech² where it is largest: at the point of the interval of z nearest to 0.

        With gradual underflow, tanh(0) is exactly 0.
        """
        q = np.exp(-_nearest_to_zero(z))
        slope = (2 * q / (1 + q * q)) ** 2
        value, propagated = np.tanh(z.value), _propagated(z, q, slope, 2 * q * q / (1 + q * q), 2)
        rounding = np.fmax(TANH_BY_FORMULA, TANH * np.fmin(np.abs(value) + propagated, 1)) * self.u
        error = propagated + rounding + 2 * self.eta
        if self.gradual:
            error = np.where((z.value == 0) & (z.error == 0), 0, error)
        return _bounded(value, error)

    def sigmoid(self, z: Bounded) -> Bounded:
        """The sigmoid, with its slope where it is largest: at the point of the interval of z nearest to 0."""
        q = np.exp(-_nearest_to_zero(z))
        slope = q / (1 + q) ** 2  # σ(z)σ(-z); in s(1-s), digits would cancel
        value, propagated = 1 / (1 + np.exp(-z.value)), _propagated(z, q, slope, q / (1 + q), 1)
        size = np.fmin(np.fmax(value, 1 - value) + propagated, 1)
        rounding = np.fmax(SIGMOID_BY_FORMULA, SIGMOID * size) * self.u
        return _bounded(value, propagated + rounding + 2 * self.eta)

    def relu(self, z: Bounded) -> Bounded:
        """max(z, 0), which does not round. The error is that of z, or 0 if z is surely negative."""
        return _bounded(np.maximum(z.value, 0), np.where(z.value + 2 * z.error < 0, 0, z.error))

    def times(self, x: Bounded, y: Bounded) -> Bounded:
        """A product of two quantities. A program may flush the factors and the product to zero."""
        xr, yr = x.reach, y.reach
        flushing = (4 + xr + yr) * self.eta
        return _bounded(x.value * y.value, (x.error + self.u * xr) * yr + xr * y.error + flushing)

    def plus(self, x: Bounded, y: Bounded) -> Bounded:
        """A sum of two quantities. The bound also covers FMA, which only omits a rounding."""
        flushing, size = (0 if self.gradual else 3 * self.eta), x.reach + y.reach
        sum_ = _bounded(x.value + y.value, x.error + y.error + self.u * size + flushing)
        return self._unless_overflow(sum_, size, x, y)

    def total(self, *terms: Bounded) -> Bounded:
        """A sum of quantities in any order. A term that is exactly 0 has no effect on the bound."""
        sum_ = terms[0]
        for term in terms[1:]:
            both = self.plus(sum_, term)
            error = np.where(sum_.is_zero, term.error, np.where(term.is_zero, sum_.error, both.error))
            sum_ = Bounded(both.value, error)
        if len(terms) > 2:  # another order of summation has other partial sums
            several = sum(~term.is_zero for term in terms) > 2
            size = reduce(np.add, (np.where(term.is_zero, 0, term.reach) for term in terms))
            sum_ = _bounded(sum_.value, sum_.error + np.where(several, self.gamma(2) * size, 0))
            sum_ = self._unless_overflow(sum_, size, *terms)
        return sum_

    def _unless_overflow(self, sum_: Bounded, size: Array, *terms: Bounded) -> Bounded:
        """The sum of terms, whose sizes add up to `size`. If a partial sum might overflow, it is unknown."""
        if (size <= self.largest).all():
            return sum_
        size = reduce(np.add, (where_finite(term.value, term.reach) for term in terms))
        return _with_unknown(sum_, ~(size <= self.largest))

    def product(self, *factors: Bounded | Factors) -> Bounded:
        """A product of quantities in any order. If a factor is exactly 0, so is the product.

        If a partial product might overflow, the result is unknown, and may even be NaN.
        """
        precomputed = (each if isinstance(each, Factors) else Factors.of(each) for each in factors)
        value, error, size, largest, is_zero, n = reduce(Factors.times, precomputed)
        error = error + self.gamma(n - 1) * size + 2 * n * self.eta * largest
        bounded = _bounded(value, np.where(is_zero, 0, error))
        unknown = ~(largest <= self.largest)
        return _with_unknown(bounded, unknown) if unknown.any() else bounded

    def matmul(self, A: Bounded | Matrix, B: Bounded) -> Bounded:
        """The product of two matrices with errors.

        Each of k products is rounded once, and passes through at most k additions. An element is exactly 0 if
        each of its products has a factor that is exactly 0. If a partial sum might overflow, the element is
        unknown.
        """
        matrix = A if isinstance(A, Matrix) else self.matrix(A)
        A = matrix.bounded
        k, A_reach, B_reach = A.value.shape[-1], A.reach, B.reach
        terms = A_reach @ B_reach
        error = self.gamma(k + 1) * terms + A_reach @ B.error + (2 * k + 2) * self.eta
        if matrix.error is not None:
            error = error + matrix.error @ B_reach
        error = error + self._flushing(matrix, B)
        if not (terms > 0).all():
            nonzero_terms = (~A.is_zero).astype(np.float64) @ (~B.is_zero).astype(np.float64)
            error = np.where(nonzero_terms == 0, 0, error)
        bounded = _bounded(A.value @ B.value, error)
        if not np.isfinite(bounded.value).all():
            bounded = _with_unknown(bounded, ~np.isfinite(bounded.value) & ~_surely_not_finite(A, B))
        if (terms <= self.largest).all():
            return bounded
        terms = where_finite(A.value, A_reach) @ where_finite(B.value, B_reach)
        return _with_unknown(bounded, ~(terms <= self.largest))

    def tanh_slope(self, a: Bounded) -> Bounded:
        """`1 - a²` of `a = tanh z`, by any formula. The result is in [0, 1], which limits its error."""
        value = (1 - a.value) * (1 + a.value)
        return self._slope(a, value, 2 * a.reach * a.error, np.fmax(value, 1 - value))

    def sigmoid_slope(self, s: Bounded) -> Bounded:
        """`s (1 - s)` of `s = σ(z)`, by any formula. The result is in [0, 1/4], which limits its error."""
        value = s.value * (1 - s.value)
        propagated = np.abs(1 - 2 * s.value) * s.error + 3 * s.error**2
        return self._slope(s, value, propagated, np.fmax(value, 0.25 - value))

    def _slope(self, x: Bounded, value: Array, propagated: Array, most: Array) -> Bounded:
        """The slope with its bound, which is at most `most`, the distance to the farther end of the range."""
        rounding = self.gamma(3) * (np.abs(value) + propagated)
        error = propagated + self.gamma(2) * x.reach**2 + rounding + 4 * self.eta
        error = np.fmin(error, most + self.gamma(8))
        return _bounded(value, np.where(x.error < np.inf, error, np.inf))

    def relu_slope(self, z: Bounded) -> Bounded:
        """The slope of relu at z: 1 or 0. The error is 1 if z may be 0, and infinite if z may be NaN."""
        unsure = ~(np.abs(z.value) > 2 * z.error)
        error = np.where(np.isnan(z.value) | (z.error == np.inf), np.inf, np.where(unsure, 1, 0))
        return Bounded((z.value > 0).astype(np.float64), error)

    def softmax(self, s: Bounded) -> Bounded:
        """Softmax by any formula that shifts the logits by their maximum or log-sum-exp, or not at all.

        E covers the error of a logit and of the worst term of the denominator; a prediction y changes by at
        most `y (1-y) expm1(E)`. R covers the other relative errors of y: of the shift by the maximum or by a
        log-sum-exp, of exp and log, and of the sum and the quotient. R contributes `y exp(E) expm1(R)`. The
        code has exp(2E + R), since the computed y and y(1-y) may be off by the factor exp(E).
        """
        n_y, u = s.value.shape[-2], self.u
        top, widest = (part.max(axis=-2, keepdims=True) for part in (s.value, s.error))
        below = top - s.value
        e = np.exp(-below)
        total = e.sum(axis=-2, keepdims=True)
        # For ordinary logits, a program may also subtract the maximum of all samples, with a larger error.
        shift = np.fmax.reduce(s.value, axis=(-2, -1), keepdims=True, initial=-np.inf) - s.value
        spread = u * (shift + 2 * s.error + 2 * widest)
        logarithm = u * (np.abs(top) + 6 * widest + (EXP + 2) * np.log(n_y))
        second_order = 1 + self.gamma(EXP + 4)
        E = second_order * (s.error + (s.error + spread).max(axis=-2, keepdims=True))
        R = second_order * (spread + logarithm) + self.gamma(n_y + 2 * EXP + 3)
        others = (1 - np.eye(n_y)) @ e / total  # 1-y, without cancellation
        error = np.exp(2 * E + R - below) / total * -(others * np.expm1(-E) + np.expm1(-R))
        return _bounded(e / total, np.fmin(error, np.exp(R)) + (n_y + 2) * self.eta)


def _bounded(value: Array, error: Array) -> Bounded:
    """The value with its bound, which covers its own rounding; NaN and infinite values have the bound 0."""
    return Bounded(value, np.where(np.isfinite(value), np.fmin(SLACK * error, np.inf), 0))


def _surely_not_finite(A: Bounded, B: Bounded) -> Array:
    """Where `A B` is surely NaN or infinite: a term multiplies NaN or infinity by a number that is not 0."""
    infinite = [(~np.isfinite(x.value)).astype(np.float64) for x in (A, B)]
    nonzero = [
        np.maximum(each, np.abs(x.value) > 2 * x.error) for each, x in zip(infinite, (A, B), strict=True)
    ]
    return np.asarray(infinite[0] @ nonzero[1] + nonzero[0] @ infinite[1] > 0)


def _with_unknown(x: Bounded, unknown: Array) -> Bounded:
    """The pair with an infinite bound and a finite value where `unknown`."""
    value = np.where(unknown, where_finite(x.value, x.value), x.value)
    return Bounded(value, np.where(unknown, np.inf, x.error))


def _nearest_to_zero(z: Bounded) -> Array:
    """The smallest magnitude that the exact or a computed value can have."""
    return np.asarray(np.maximum(np.abs(z.value) - 2 * z.error, 0))


def _propagated(z: Bounded, q: Array, slope: Array, rest: Array, width: float) -> Array:
    """The error that the error of z causes in a saturating function, with its largest `slope` near z.

    It is at most `rest`, the distance to saturation; if z may be 0, it is at most `width`, the range of the
    function. If the error of z is infinite, so is the result, since z may then be NaN.
    """
    error = np.fmin(z.error * slope, np.where(q < 1, rest, width))
    return np.where(z.error < np.inf, error, np.inf)
