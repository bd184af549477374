"""How far a correct floating-point program may be from the exact result: the rules, equation by equation.

Every quantity is carried as a pair: a float64 evaluation, and a bound on how far *any* correct program of
the given precision may be from the exact quantity. "Any" means: any order of summation, with or without
FMA, separate or stacked products, tanh and sigmoid by whichever formula, softmax by any sound one. Since
float64 is at least as precise, the bound holds for the evaluation too; so two correct programs differ by
at most twice the bound.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., ch. 2 (the model with
underflow, eq. 2.8) and ch. 3 (γ_n, Lemma 3.1; products of matrices, sec. 3.5); Blanchard, Higham and Higham,
IMA J. Numer. Anal. 41 (2021), for softmax. Second-order terms are kept.

A correct program may flush what is subnormal to zero, be it given or computed, as vendors' libraries do; only
where `gradual` underflow is asked for it may not. So its unit is the smallest normal number, or the smallest
subnormal one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np

from reference.contract import Array

SLACK = 1 + 1e-6
"""Covers the rounding of the bounds themselves: fewer than 1e9 float64 operations in a row."""

EXP = 8
"""Units roundoff by which exp and log of a library may be off, relatively: 4 ulp, each of at most 2u.

What vendors promise of vector functions: Intel's oneMKL VM and SVML (in NumPy) 4 ulp in the mode LA and 1 in
HA; glibc's libmvec 4; SLEEF (in torch) 1.0 or 3.5, as the names ending in u10 and u35 say; the OpenCL C
specification 3 for exp; NVIDIA's CUDA programming guide at most 2. Modes that promise half of the digits
(oneMKL's EP, "fast" intrinsics) are not covered.
"""
TANH = 12
"""Units roundoff by which the tanh of a library may be off, relatively: 6 ulp, each of at most 2u.

The weakest promise of a library in use: Eigen's rational tanh of float, which TensorFlow and XLA have had, is
"off by up to 6 ULP" (its merge request 2082); the OpenCL C specification allows 5, oneMKL LA 4, CUDA 2.
"""
SIGMOID = 10
"""Units roundoff by which a logistic function of a library may be off, relatively to the larger of σ(z) and
σ(-z), for both are found as one rational function away from 1/2: 5 ulp, what OpenCL C allows for a tanh.

Eigen, and ONNX Runtime and tract as it, promise no number for theirs; tract's was seen to err by 8.0.
"""
TANH_BY_FORMULA, SIGMOID_BY_FORMULA = 8.5, 6
"""Units roundoff, absolutely, that formulas of such functions need: (e^z-e^-z)/(e^z+e^-z) stays below 8.3,
2 sigmoid(2z)-1 below 8; 1/(1+e^-z) below 3.2, and (1+tanh(z/2))/2 below 5 with any of these tanhs near 0.
"""


@dataclass(slots=True)  # frozen ones take three times as long to make, and there are very many
class Bounded:
    """A float64 evaluation of a quantity, and how far a correct program may be from its exact value."""

    value: Array
    error: Array
    _reach: Array | None = field(default=None, init=False)
    _is_zero: Array | None = field(default=None, init=False)

    @classmethod
    def exact(cls, value: Array) -> Self:
        """A quantity that every program is given."""
        value = value.astype(np.float64)
        return cls(value, np.zeros(value.shape))

    @classmethod
    def stacked(cls, parts: Sequence["Bounded"], axis: int = 0) -> Self:
        """Quantities of one shape, stacked along a new axis."""
        return cls(np.stack([p.value for p in parts], axis), np.stack([p.error for p in parts], axis))

    @property
    def is_zero(self) -> Array:
        """Whether the exact value and every computed one are 0."""
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
        """The same relative error on an answer that may be of another size, being wrong."""
        with np.errstate(all="ignore"):
            grown = np.fmax(1, np.abs(answer / self.value)) * self.error
        return Bounded(self.value, np.where(np.isfinite(answer) & (self.error > 0), grown, self.error))


class Factors(NamedTuple):
    """A product of some quantities before its rounding is counted: `Arithmetic.product` takes more factors.

    `size` is the largest magnitude that a computed product can have, `largest` that of a partial product; 0
    where a factor is not finite.
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
            cls(x.value, x.error, x.reach, _if_finite(x.value, np.fmax(1, x.reach)), x.is_zero, 1)
            for x in factors
        ]
        return reduce(cls.times, every)

    def times(self, other: "Factors") -> "Factors":
        """The product of both."""
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


class Arithmetic:
    """The rules of rounding in one precision, with unit roundoff `u` and underflow unit `eta`."""

    def __init__(self, dtype: Any, *, gradual: bool = False) -> None:
        limits = np.finfo(dtype)
        self.u = float(limits.eps) / 2
        self.eta = float(limits.smallest_subnormal if gradual else limits.tiny)
        self.gradual = gradual
        self.largest = float(limits.max)

    def gamma(self, n: int) -> float:
        """γ_n = n u / (1 - n u), or infinity where n u reaches 1 and nothing can be said."""
        nu = n * self.u
        return nu / (1 - nu) if nu < 1 else np.inf

    # Each rule takes stacks of matrices as `numpy.matmul` does.

    def affine(self, W: Array, v: Bounded, b: Array) -> Bounded:
        """`W v + b`: each of k products is rounded once and passes through at most k additions.

        One addition more leaves room for a bias in two parts. A sum underflows only where it is flushed.
        Where a partial sum might overflow, in some order, nothing can be said, not even that it is a number.
        """
        k = W.shape[-1]
        size = np.abs(W)
        terms = size @ v.reach + np.abs(b)
        rounding = self.gamma(k + 2) * terms + (2 * k + 4) * self.eta + self._flushed(size, v)
        z = _bounded(W @ v.value + b, np.where(terms == 0, 0, rounding + size @ v.error))
        if (terms <= self.largest).all():
            return z
        terms = _if_finite(W, size) @ _if_finite(v.value, v.reach) + _if_finite(b, np.abs(b))
        return _unknown(z, ~(terms <= self.largest))

    def _flushed(self, size: Array, v: Bounded) -> Array:
        """What is lost of `W v` where the factors that are or may become subnormal are taken as 0."""
        lost = np.zeros(())
        if self.gradual:
            return lost
        weights = np.where(size < self.eta, size, 0)
        if weights.any():
            lost = lost + weights @ v.reach
        values = np.where(np.abs(v.value) - v.error < self.eta, np.fmin(v.reach, self.eta), 0)
        if values.any():
            lost = lost + size @ values
        return lost

    def tanh(self, z: Bounded) -> Bounded:
        """Slope sech² at the point of the interval nearest to 0, or, saturated, what is left to 1.

        Where underflow is gradual tanh(0) is 0; elsewhere that may be off as any other is.
        """
        q = np.exp(-_nearest_to_zero(z))
        slope = (2 * q / (1 + q * q)) ** 2
        value, through = np.tanh(z.value), _through(z, q, slope, 2 * q * q / (1 + q * q), 2)
        own = np.fmax(TANH_BY_FORMULA, TANH * np.fmin(np.abs(value) + through, 1))
        error = through + own * self.u + 2 * self.eta
        if self.gradual:
            error = np.where((z.value == 0) & (z.error == 0), 0, error)
        return _bounded(value, error)

    def sigmoid(self, z: Bounded) -> Bounded:
        """Slope σ(z)σ(-z) at the point nearest to 0, as that product: s(1-s) would cancel."""
        q = np.exp(-_nearest_to_zero(z))
        slope = q / (1 + q) ** 2
        value, through = 1 / (1 + np.exp(-z.value)), _through(z, q, slope, q / (1 + q), 1)
        own = np.fmax(SIGMOID_BY_FORMULA, SIGMOID * np.fmin(np.fmax(value, 1 - value) + through, 1))
        return _bounded(value, through + own * self.u + 2 * self.eta)

    def relu(self, z: Bounded) -> Bounded:
        """max(z, 0): exact, of slope 1 or 0; 0 where z and all that may be computed for it are negative."""
        return _bounded(np.maximum(z.value, 0), np.where(z.value + 2 * z.error < 0, 0, z.error))

    def times(self, x: Bounded, y: Bounded) -> Bounded:
        """A product of two quantities, both with errors; each of the three may be flushed."""
        xr, yr = x.reach, y.reach
        flushed = (4 + xr + yr) * self.eta
        return _bounded(x.value * y.value, (x.error + self.u * xr) * yr + xr * y.error + flushed)

    def plus(self, x: Bounded, y: Bounded) -> Bounded:
        """A sum of two quantities, both with errors; FMA only leaves a rounding out."""
        flushed = 0 if self.gradual else 3 * self.eta
        return _bounded(x.value + y.value, x.error + y.error + self.u * (x.reach + y.reach) + flushed)

    def total(self, *terms: Bounded) -> Bounded:
        """A sum of some quantities in any order; a term that is exactly 0 changes nothing."""
        sum_ = terms[0]
        for term in terms[1:]:
            both = self.plus(sum_, term)
            error = np.where(sum_.is_zero, term.error, np.where(term.is_zero, sum_.error, both.error))
            sum_ = Bounded(both.value, error)
        if len(terms) > 2:  # the others may be added first
            several = sum(~term.is_zero for term in terms) > 2
            more = self.gamma(2) * sum(np.where(term.is_zero, 0, term.reach) for term in terms)
            sum_ = _bounded(sum_.value, sum_.error + np.where(several, more, 0))
        return sum_

    def product(self, *factors: Bounded | Factors) -> Bounded:
        """A product of some quantities in any order; exactly 0 where a factor is.

        Where a partial product might overflow nothing can be said, not even that it is a number.
        """
        every = (each if isinstance(each, Factors) else Factors.of(each) for each in factors)
        value, error, size, largest, is_zero, n = reduce(Factors.times, every)
        error = error + self.gamma(n - 1) * size + 2 * n * self.eta * largest
        bounded = _bounded(value, np.where(is_zero, 0, error))
        unknown = ~(largest <= self.largest)
        return _unknown(bounded, unknown) if unknown.any() else bounded

    def matmul(self, A: Bounded, B: Bounded) -> Bounded:
        """`A B`, both with errors; exactly 0 where no term can be anything else.

        Each of k products is rounded once and passes through at most k additions. Which terms are 0 is told
        by the factors, for products underflow. Where a partial sum might overflow, nothing can be said.
        """
        k, sizes, others = A.value.shape[-1], A.reach, B.reach
        terms = sizes @ others
        error = self.gamma(k + 1) * terms + sizes @ B.error + (2 * k + 2) * self.eta
        if A.error.any():
            error = error + A.error @ others
        if not self.gradual:
            small, other_small = self._subnormal(A), self._subnormal(B)
            if small.any():
                error = error + small @ others
            if other_small.any():
                error = error + sizes @ other_small
        if not (terms > 0).all():
            some = (~A.is_zero).astype(np.float64) @ (~B.is_zero).astype(np.float64)
            error = np.where(some == 0, 0, error)
        bounded = _bounded(A.value @ B.value, error)
        if not np.isfinite(bounded.value).all():
            bounded = _unknown(bounded, ~np.isfinite(bounded.value) & ~_surely_no_number(A, B))
        if (terms <= self.largest).all():
            return bounded
        terms = _if_finite(A.value, sizes) @ _if_finite(B.value, others)
        return _unknown(bounded, ~(terms <= self.largest))

    def _subnormal(self, x: Bounded) -> Array:
        """What is lost of a factor where it is or may become subnormal, and so is taken as 0."""
        return np.where(np.abs(x.value) - x.error < self.eta, np.fmin(x.reach, self.eta), 0)

    def tanh_slope(self, a: Bounded) -> Bounded:
        """`1 - a²` of `a = tanh z`, by any formula: `(1 - a)(1 + a)`, `1 - a a`, or multiplied out.

        It is at most what a number in [0, 1] may be off.
        """
        size, value = a.reach, (1 - a.value) * (1 + a.value)
        through = 2 * size * a.error
        error = through + self.gamma(2) * size**2 + self.gamma(3) * (np.abs(value) + through) + 4 * self.eta
        return self._slope(a, value, error, np.fmax(value, 1 - value))

    def sigmoid_slope(self, s: Bounded) -> Bounded:
        """`s (1 - s)` of `s = σ(z)`, by any formula. It is at most what a number in [0, 1/4] may be off."""
        size, value = s.reach, s.value * (1 - s.value)
        through = np.abs(1 - 2 * s.value) * s.error + 3 * s.error**2
        error = through + self.gamma(2) * size**2 + self.gamma(3) * (np.abs(value) + through) + 4 * self.eta
        return self._slope(s, value, error, np.fmax(value, 0.25 - value))

    def _slope(self, x: Bounded, value: Array, error: Array, most: Array) -> Bounded:
        error = np.fmin(error, most + self.gamma(8))
        return _bounded(value, np.where(x.error < np.inf, error, np.inf))

    def relu_slope(self, z: Bounded) -> Bounded:
        """1 or 0, and anything between where z may be 0; of what is no number nothing is known."""
        unsure = ~(np.abs(z.value) > 2 * z.error)
        error = np.where(np.isnan(z.value) | (z.error == np.inf), np.inf, np.where(unsure, 1, 0))
        return Bounded((z.value > 0).astype(np.float64), error)

    def softmax(self, s: Bounded) -> Bounded:
        """By any formula that shifts the logits by their maximum or by their log-sum-exp, or not at all.

        E acts on the logits: their own errors, and what subtracting the maximum M does to the other terms of
        the denominator. It moves a prediction with slope y(1-y), so by `y (1-y) expm1(E)`. R acts on y as a
        factor: the subtraction from the logit itself, the rounding of a log-sum-exp of size |M| + log n, exp,
        log, the sum, the quotient; this adds `y exp(E) expm1(R)`. Both y and y(1-y) are known up to exp(E).
        """
        n_y, u = s.value.shape[-2], self.u
        top, widest = (part.max(axis=-2, keepdims=True) for part in (s.value, s.error))
        below = top - s.value
        e = np.exp(-below)
        total = e.sum(axis=-2, keepdims=True)
        # One maximum for all samples is sound, if large.
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
    """A pair whose bound covers its own rounding; what is infinite or NaN is so for every program."""
    return Bounded(value, np.where(np.isfinite(value), np.fmin(SLACK * error, np.inf), 0))


def _surely_no_number(A: Bounded, B: Bounded) -> Array:
    """Where `A B` has an infinity or NaN times what is not 0: libraries leave out products with 0."""
    infinite = [(~np.isfinite(x.value)).astype(np.float64) for x in (A, B)]
    nonzero = [
        np.maximum(each, np.abs(x.value) > 2 * x.error) for each, x in zip(infinite, (A, B), strict=True)
    ]
    return np.asarray(infinite[0] @ nonzero[1] + nonzero[0] @ infinite[1] > 0)


def _unknown(x: Bounded, unknown: Array) -> Bounded:
    """The same, of which nothing is known in some places: a number, with an infinite bound."""
    value = np.where(unknown, _if_finite(x.value, x.value), x.value)
    return Bounded(value, np.where(unknown, np.inf, x.error))


def _nearest_to_zero(z: Bounded) -> Array:
    """How near to 0 the exact value or a computed one can be."""
    return np.asarray(np.maximum(np.abs(z.value) - 2 * z.error, 0))


def _through(z: Bounded, q: Array, slope: Array, rest: Array, width: float) -> Array:
    """The error of z through a saturating function: by its slope, or at most the range that is left.

    Where nothing is known of z, which may have become NaN, nothing is known of it either.
    """
    error = np.fmin(z.error * slope, np.where(q < 1, rest, width))
    return np.where(z.error < np.inf, error, np.inf)


def _if_finite(number: Array, then: Array) -> Array:
    return np.where(np.isfinite(number), then, 0)
