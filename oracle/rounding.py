"""The largest rounding error of a correct floating-point program: a rule for each operation.

Every quantity is a pair: a float64 evaluation, and a bound on the error of *any* correct program in the given
precision. "Any" means: any order of summation, with or without FMA, separate or stacked products, tanh and
sigmoid by any formula, softmax by any sound formula. The bound also holds for the float64 evaluation, since
float64 is at least as precise. So two correct programs differ by at most twice the bound.

Sources: Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., ch. 2 (the model with underflow,
eq. 2.8) and ch. 3 (γ_n, Lemma 3.1; products of matrices, sec. 3.5); Blanchard, Higham and Higham, IMA J.
Numer. Anal. 41 (2021), for softmax. The bounds include second-order terms.

A correct program may flush subnormal inputs and results to zero, as vendors' libraries do, unless underflow
must be `gradual`. The unit of underflow is the smallest normal number, or with gradual underflow the smallest
subnormal number.
"""

from functools import reduce
from typing import Any

import numpy as np

from oracle.bounded import Bounded, Factors, Matrix, if_finite
from reference.contract import Array

__all__ = ["Arithmetic", "Bounded", "Factors"]

SLACK = 1 + 1e-6
"""A factor that covers the rounding of the bounds themselves, with up to 1e9 float64 operations in a row."""

EXP = 8
"""The largest relative error of exp and log in a library, in units roundoff: 4 ulp, each of at most 2u.

Vendors promise for vector functions: Intel's oneMKL VM and SVML (in NumPy) 4 ulp in the mode LA and 1 in HA;
glibc's libmvec 4; SLEEF (in torch) 1.0 or 3.5, in the functions with names in u10 and u35; the OpenCL C
specification 3 for exp; NVIDIA's CUDA programming guide at most 2. Modes with half of the digits (oneMKL's
EP, "fast" intrinsics) are not covered.
"""
TANH = 12
"""The largest relative error of tanh in a library, in units roundoff: 6 ulp, each of at most 2u.

The weakest promise of a library is that of Eigen's rational tanh of float, which TensorFlow and XLA have
used: "off by up to 6 ULP" (its merge request 2082). The OpenCL C specification allows 5, oneMKL LA 4, CUDA 2.
"""
SIGMOID = 10
"""The largest error of a logistic function in a library, in units roundoff: 5 ulp, each of at most 2u.

The error is relative to the larger of σ(z) and σ(-z), since libraries compute both from one rational function
around 1/2. OpenCL C allows 5 ulp for a tanh. Eigen, ONNX Runtime and tract promise no number for a logistic
function; the largest error that was measured, of tract, is 8.0 units roundoff.
"""
TANH_BY_FORMULA, SIGMOID_BY_FORMULA = 8.5, 6
"""The largest absolute error of tanh and of a logistic function by a formula, in units roundoff.

The errors near 0 are: below 8.3 for (e^z-e^-z)/(e^z+e^-z), below 8 for 2 sigmoid(2z)-1, below 3.2 for
1/(1+e^-z), and below 5 for (1+tanh(z/2))/2 with any of these formulas of tanh.
"""


class Arithmetic:
    """The rules of rounding in one precision, with unit roundoff `u` and underflow unit `eta`."""

    def __init__(self, dtype: Any, *, gradual: bool = False) -> None:
        limits = np.finfo(dtype)
        self.u = float(limits.eps) / 2
        self.eta = float(limits.smallest_subnormal if gradual else limits.tiny)
        self.gradual = gradual
        self.largest = float(limits.max)

    def gamma(self, n: int) -> float:
        """γ_n = n u / (1 - n u); infinity if n u is 1 or more, since there is no bound then."""
        nu = n * self.u
        return nu / (1 - nu) if nu < 1 else np.inf

    # Each rule takes stacks of matrices, like `numpy.matmul`.

    def matrix(self, A: Bounded) -> Matrix:
        """A matrix for several products, with the parts of the bounds that depend only on the matrix."""
        return Matrix(A, A.error if A.error.any() else None, self._subnormal(A))

    def affine(self, W: Array | Matrix, v: Bounded, b: Array) -> Bounded:
        """`W v + b` with exact W. Each of k products is rounded once, and passes through at most k additions.

        The bound allows one more addition, for a bias in two parts. A sum that is subnormal is exact unless
        it is flushed. If a partial sum might overflow in some order, the result is unknown, and may even be
        NaN.
        """
        W = W if isinstance(W, Matrix) else self.matrix(Bounded.exact(W))
        value, size = W.bounded.value, W.bounded.reach
        k = size.shape[-1]
        terms = size @ v.reach + np.abs(b)
        rounding = self.gamma(k + 2) * terms + (2 * k + 4) * self.eta + self._flushed(W, v)
        z = _bounded(value @ v.value + b, np.where(terms == 0, 0, rounding + size @ v.error))
        if (terms <= self.largest).all():
            return z
        terms = if_finite(value, size) @ if_finite(v.value, v.reach) + if_finite(b, np.abs(b))
        return _unknown(z, ~(terms <= self.largest))

    def _flushed(self, A: Matrix, B: Bounded) -> Array | float:
        """The error of `A B` if factors that are or may become subnormal count as 0."""
        lost: Array | float = 0.0
        if A.subnormal is not None:
            lost = lost + A.subnormal @ B.reach
        subnormal = self._subnormal(B)
        return lost if subnormal is None else lost + A.bounded.reach @ subnormal

    def _subnormal(self, x: Bounded) -> Array | None:
        """How much each factor loses if it is flushed: 0 if it cannot be subnormal; `None` if none can."""
        if self.gradual:
            return None
        lost = np.where(np.abs(x.value) - x.error < self.eta, np.fmin(x.reach, self.eta), 0)
        return lost if lost.any() else None

    def tanh(self, z: Bounded) -> Bounded:
        """tanh z. The error of z counts with the slope sech² nearest to 0, and at most as the distance to ±1.

        With gradual underflow, tanh(0) is 0; without it, tanh(0) may have the same error as other values.
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
        """The sigmoid. The error of z counts with the slope σ(z)σ(-z) at the point nearest to 0.

        The slope is not computed as s(1-s), in which digits cancel.
        """
        q = np.exp(-_nearest_to_zero(z))
        slope = q / (1 + q) ** 2
        value, through = 1 / (1 + np.exp(-z.value)), _through(z, q, slope, q / (1 + q), 1)
        own = np.fmax(SIGMOID_BY_FORMULA, SIGMOID * np.fmin(np.fmax(value, 1 - value) + through, 1))
        return _bounded(value, through + own * self.u + 2 * self.eta)

    def relu(self, z: Bounded) -> Bounded:
        """max(z, 0), which is exact. The error of z has the slope 1, or 0 if every computed z is negative."""
        return _bounded(np.maximum(z.value, 0), np.where(z.value + 2 * z.error < 0, 0, z.error))

    def times(self, x: Bounded, y: Bounded) -> Bounded:
        """A product of two quantities with errors. The factors and the product may be flushed to zero."""
        xr, yr = x.reach, y.reach
        flushed = (4 + xr + yr) * self.eta
        return _bounded(x.value * y.value, (x.error + self.u * xr) * yr + xr * y.error + flushed)

    def plus(self, x: Bounded, y: Bounded) -> Bounded:
        """A sum of two quantities with errors. FMA leaves out a rounding, so the bound covers it."""
        flushed = 0 if self.gradual else 3 * self.eta
        return _bounded(x.value + y.value, x.error + y.error + self.u * (x.reach + y.reach) + flushed)

    def total(self, *terms: Bounded) -> Bounded:
        """A sum of quantities in any order. A term that is exactly 0 adds no error."""
        sum_ = terms[0]
        for term in terms[1:]:
            both = self.plus(sum_, term)
            error = np.where(sum_.is_zero, term.error, np.where(term.is_zero, sum_.error, both.error))
            sum_ = Bounded(both.value, error)
        if len(terms) > 2:  # another order of summation has other partial sums
            several = sum(~term.is_zero for term in terms) > 2
            more = self.gamma(2) * sum(np.where(term.is_zero, 0, term.reach) for term in terms)
            sum_ = _bounded(sum_.value, sum_.error + np.where(several, more, 0))
        return sum_

    def product(self, *factors: Bounded | Factors) -> Bounded:
        """A product of quantities in any order. It is exactly 0 if a factor is.

        If a partial product might overflow, the result is unknown, and may even be NaN.
        """
        every = (each if isinstance(each, Factors) else Factors.of(each) for each in factors)
        value, error, size, largest, is_zero, n = reduce(Factors.times, every)
        error = error + self.gamma(n - 1) * size + 2 * n * self.eta * largest
        bounded = _bounded(value, np.where(is_zero, 0, error))
        unknown = ~(largest <= self.largest)
        return _unknown(bounded, unknown) if unknown.any() else bounded

    def matmul(self, A: Bounded | Matrix, B: Bounded) -> Bounded:
        """`A B`, both with errors. It is exactly 0 where all terms are exactly 0.

        Each of k products is rounded once, and passes through at most k additions. A term counts as exactly 0
        if a factor is. If a partial sum might overflow, the result is unknown.
        """
        matrix = A if isinstance(A, Matrix) else self.matrix(A)
        A = matrix.bounded
        k, sizes, others = A.value.shape[-1], A.reach, B.reach
        terms = sizes @ others
        error = self.gamma(k + 1) * terms + sizes @ B.error + (2 * k + 2) * self.eta
        if matrix.error is not None:
            error = error + matrix.error @ others
        error = error + self._flushed(matrix, B)
        if not (terms > 0).all():
            some = (~A.is_zero).astype(np.float64) @ (~B.is_zero).astype(np.float64)
            error = np.where(some == 0, 0, error)
        bounded = _bounded(A.value @ B.value, error)
        if not np.isfinite(bounded.value).all():
            bounded = _unknown(bounded, ~np.isfinite(bounded.value) & ~_surely_no_number(A, B))
        if (terms <= self.largest).all():
            return bounded
        terms = if_finite(A.value, sizes) @ if_finite(B.value, others)
        return _unknown(bounded, ~(terms <= self.largest))

    def tanh_slope(self, a: Bounded) -> Bounded:
        """`1 - a²` of `a = tanh z`, by any formula: `(1 - a)(1 + a)`, `1 - a a`, or expanded.

        The result is in [0, 1], which limits its error.
        """
        size, value = a.reach, (1 - a.value) * (1 + a.value)
        through = 2 * size * a.error
        error = through + self.gamma(2) * size**2 + self.gamma(3) * (np.abs(value) + through) + 4 * self.eta
        return self._slope(a, value, error, np.fmax(value, 1 - value))

    def sigmoid_slope(self, s: Bounded) -> Bounded:
        """`s (1 - s)` of `s = σ(z)`, by any formula. The result is in [0, 1/4], which limits its error."""
        size, value = s.reach, s.value * (1 - s.value)
        through = np.abs(1 - 2 * s.value) * s.error + 3 * s.error**2
        error = through + self.gamma(2) * size**2 + self.gamma(3) * (np.abs(value) + through) + 4 * self.eta
        return self._slope(s, value, error, np.fmax(value, 0.25 - value))

    def _slope(self, x: Bounded, value: Array, error: Array, most: Array) -> Bounded:
        error = np.fmin(error, most + self.gamma(8))
        return _bounded(value, np.where(x.error < np.inf, error, np.inf))

    def relu_slope(self, z: Bounded) -> Bounded:
        """1 or 0. The error is 1 if z may be 0, and infinite if z is NaN."""
        unsure = ~(np.abs(z.value) > 2 * z.error)
        error = np.where(np.isnan(z.value) | (z.error == np.inf), np.inf, np.where(unsure, 1, 0))
        return Bounded((z.value > 0).astype(np.float64), error)

    def softmax(self, s: Bounded) -> Bounded:
        """Softmax by any formula that shifts the logits by their maximum or log-sum-exp, or not at all.

        E is the error of a logit: its own, and that of the other terms of the denominator when the maximum M
        is subtracted. E changes a prediction y with the slope y(1-y), so by `y (1-y) expm1(E)`. R is the
        relative error of y: the subtraction from the logit itself, the rounding of a log-sum-exp of size |M|
        + log n, exp, log, the sum and the quotient. R contributes `y exp(E) expm1(R)`. The computed y and
        y(1-y) may be off by the factor exp(E), hence 2E below.
        """
        n_y, u = s.value.shape[-2], self.u
        top, widest = (part.max(axis=-2, keepdims=True) for part in (s.value, s.error))
        below = top - s.value
        e = np.exp(-below)
        total = e.sum(axis=-2, keepdims=True)
        # One maximum of all samples is right for ordinary logits, too, but has a larger error.
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


def _surely_no_number(A: Bounded, B: Bounded) -> Array:
    """Where `A B` is surely NaN or infinite: a term multiplies NaN or infinity by a number that is not 0."""
    infinite = [(~np.isfinite(x.value)).astype(np.float64) for x in (A, B)]
    nonzero = [
        np.maximum(each, np.abs(x.value) > 2 * x.error) for each, x in zip(infinite, (A, B), strict=True)
    ]
    return np.asarray(infinite[0] @ nonzero[1] + nonzero[0] @ infinite[1] > 0)


def _unknown(x: Bounded, unknown: Array) -> Bounded:
    """The pair with an infinite bound and a finite value where `unknown`."""
    value = np.where(unknown, if_finite(x.value, x.value), x.value)
    return Bounded(value, np.where(unknown, np.inf, x.error))


def _nearest_to_zero(z: Bounded) -> Array:
    """The smallest magnitude that the exact or a computed value can have."""
    return np.asarray(np.maximum(np.abs(z.value) - 2 * z.error, 0))


def _through(z: Bounded, q: Array, slope: Array, rest: Array, width: float) -> Array:
    """The error that z causes in a saturating function: with `slope`, at most `rest` (`width` across 0).

    It is infinite if the error of z is infinite, since z may then be NaN.
    """
    error = np.fmin(z.error * slope, np.where(q < 1, rest, width))
    return np.where(z.error < np.inf, error, np.inf)
