"""Computes exact results and exact gradients, by which `verdict` decides which of two answers is wrong.

Ball arithmetic (Arb: Johansson, IEEE Trans. Comput. 66 (2017)) represents every number by an interval that is
proved to contain the exact number. The inputs are exact. The precision doubles until every interval is narrow
enough, so that no number of digits is guessed. The module shares no code with `rounding`, because
tests compare the bounds of `rounding` with the exact result.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from types import SimpleNamespace
from typing import Any, TypeVar

import numpy as np
from flint import arb, arb_mat, ctx

from oracle.network.backward import gradients_of
from oracle.network.equations import GATES, SHARED, SLOPES
from oracle.network.forward import Sweep, cached_sweep, forward_results
from oracle.problems.inputs import AnyBackward, BackwardInputs, Inputs, LayerInputs, is_sum_over_samples
from reference.contract import Array

MOST_BITS = 2**17
"""The largest precision in bits. Each step of a chaotic network uses up some bits."""

KNOWN_BITS = 64
"""The number of correct bits of each value (float64 has 53). Distances are computed with as many bits."""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """An interval that contains the exact value; or the exact value itself, if it is infinite or NaN."""

    ball: arb

    @property
    def midpoint(self) -> float:
        """The midpoint, rounded to float64."""
        return float(self.ball.mid())

    @property
    def radius(self) -> float:
        """The largest distance of the exact value from the midpoint before its rounding."""
        return _rounded(self.ball.rad(), math.inf) if self.ball.is_finite() else 0.0

    def distance(self, number: float) -> float:
        """A lower bound of the distance of `number` from the exact value; 0 for equal infinities and NaN."""
        return self._distance(float(number), arb.abs_lower, 0.0)

    def distance_at_most(self, number: float) -> float:
        """An upper bound of the distance of `number` from the exact value."""
        return self._distance(float(number), arb.abs_upper, math.inf)

    def _distance(self, number: float, bound: Callable[[arb], arb], toward: float) -> float:
        if self.ball.is_finite() and math.isfinite(number):
            with ctx.workprec(KNOWN_BITS):
                return _rounded(bound(self.ball - arb(number)), toward)
        return 0.0 if np.array_equal(number, self.midpoint, equal_nan=True) else math.inf

    def __str__(self) -> str:
        """A text such as `0.17211776753291662875…`; the dots stand for more known digits.

        A radius that affects the digits follows: `0.33333333333333333333… ± 2e-18`.
        """
        number = self.midpoint
        if math.isnan(number) or self.ball == arb(number):
            return repr(number)
        digits = self.ball.mid().str(20, radius=False)
        if self.radius < 1e-20 * abs(number):
            return f"{digits}…"
        # 3/2 of the radius, rounded to one digit, is at least the radius.
        return f"{digits}… ± {1.5 * self.radius:.0e}"


class TooWideError(Exception):
    """An interval is too wide in the current precision."""


def evaluate(inputs: Inputs, radius: float) -> dict[str, Array]:
    """Every quantity of a forward pass, or every gradient of a backward pass, as an array of `Enclosure`.

    Of a function: `a`, `y`, and for an LSTM also `c`, `ft`, `it`, `cct`, `ot`, each `(n, m, T_x)`. For single
    steps, pass `Inputs.steps`. Of layers: `a (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n,
    m, 1)`. Of a backward pass: `dx (n_x, m, T_x)`; `da0` and, for an LSTM, `dc0` `(n, m, 1)`, with the rows
    of all layers; the gradients with respect to parameters, `(n, k, 1)`, whose names for layers are those of
    `gradient_name`. If a backward pass takes caches, its gradients are those of the numbers in the caches.

    Each enclosure has a radius of at most `radius` and `KNOWN_BITS` bits of the value (or of `radius`, if the
    value is smaller). A value is infinite or NaN if the formulas give infinity or NaN in every order of
    evaluation.

    Raises `ValueError` if `radius` is not a positive number, and `ArithmeticError` if `MOST_BITS` bits do not
    suffice.
    """
    if isinstance(inputs, AnyBackward):
        gradients = narrow_result(partial(_gradients, inputs), radius)
        return {name: as_enclosures(values) for name, values in gradients.items()}
    _, m, T_x = inputs.x.shape
    answer: dict[str, Array] = {}
    for group, samples in of_equal_lengths(inputs):
        for name, [values] in narrow_result(partial(_quantities, samples), radius).items():
            rows, _, steps = values.shape
            shape = rows, m, steps if "last" in name else T_x
            answer.setdefault(name, np.full(shape, Enclosure(arb(0)), object))
            answer[name][:, group, :steps] = as_enclosures(values)
    return answer


def of_equal_lengths(inputs: Inputs) -> Iterator[tuple[Array, Any]]:
    """The samples of each length, with their indices and without their padding."""
    ends = inputs.ends if isinstance(inputs, LayerInputs) else np.full(inputs.x.shape[1], inputs.x.shape[2])
    for end in np.unique(ends) if len(ends) else [inputs.x.shape[2]]:
        group = np.flatnonzero(ends == end)
        samples = inputs.samples(group)
        yield group, samples.span(0, int(end)) if end < inputs.x.shape[2] else samples


def _quantities(inputs: Inputs, radius: float) -> dict[str, Array]:
    quantities = forward_results(operations(radius), [inputs])
    check_width(radius, *(quantities[name] for name in ("y",) if name in quantities))
    return quantities


def _gradients(inputs: AnyBackward, radius: float) -> dict[str, Array]:
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


as_enclosures: Any = np.frompyfunc(Enclosure, 1, 1)
"""The enclosures of an array of balls."""


def midpoints(enclosures: Array) -> Array:
    """The midpoints of an array of enclosures, as float64."""
    return np.array([each.midpoint for each in enclosures.flat], np.float64).reshape(enclosures.shape)


Result = TypeVar("Result")


def narrow_result(compute: Callable[[float], Result], radius: float) -> Result:
    """The result of `compute(radius)`; the precision doubles as long as it raises `TooWideError`.

    The radius is at most 1. Raises the errors of `evaluate`.
    """
    if not 0 < radius < math.inf:
        raise ValueError(f"radius={radius!r}, expected a positive number")
    radius = min(radius, 1.0)
    precision = 2 * KNOWN_BITS - math.frexp(radius)[1]
    while precision <= MOST_BITS:
        with ctx.workprec(precision):
            try:
                return compute(radius)
            except TooWideError:
                precision *= 2
    raise ArithmeticError(
        f"{MOST_BITS} bits of precision do not enclose the exact result within {radius:.1g}"
    )


def check_width(radius: float, *quantities: Array) -> None:
    """Raise `TooWideError` unless every finite value is as narrow as `evaluate` states."""
    last_bit = arb(radius) / 2**KNOWN_BITS  # an arb, since it may be too small for a float64
    for values in quantities:
        for value in filter(arb.is_finite, values.flat):
            lacks_bits = value.rel_accuracy_bits() < KNOWN_BITS and not value.rad() <= last_bit
            if lacks_bits or not value.rad() <= radius:
                raise TooWideError


def operations(radius: float) -> dict[str, Any]:
    """The operations of the network on arrays of balls, and on parameters, which are exact arrays.

    Each step raises `TooWideError` unless its states and gates are as narrow as `evaluate` states.
    """

    def record(step: dict[str, Array]) -> dict[str, Array]:
        check_width(radius, *(step[name] for name in ("a_out", "c_next", *GATES.values()) if name in step))
        return step

    return {**OPERATIONS, "record": record}


def balls(numbers: Array) -> Array:
    """The numbers of an array as balls, in an array of objects."""
    return _array(map(arb, numbers.ravel().tolist()), numbers.shape)


def _array(values: Iterable[arb], shape: Sequence[int]) -> Array:
    return np.fromiter(values, object).reshape(shape)


def product(A: arb_mat, v: Array) -> Array:
    """The product of a matrix and an array of balls `(n, m)`."""
    return _array((A * matrix(v)).entries(), (A.nrows(), v.shape[1]))


def matrix(numbers: Array) -> arb_mat:
    """A matrix of balls or exact numbers."""
    rows, columns = numbers.shape
    return arb_mat(rows, columns, numbers.ravel().tolist())


def _affine_map(W: Array, b: Array) -> Callable[[Array], Array]:
    """The affine map of stacks `(k, n, m)`, with stacks of weights and biases."""
    maps = [_affine(*each) for each in zip(W, b, strict=True)]
    return lambda v: np.stack([affine(part) for affine, part in zip(maps, v, strict=True)])


def _affine(weight: Array, bias: Array) -> Callable[[Array], Array]:
    W, b = matrix(weight), balls(bias)
    all_finite = all(map(arb.is_finite, [*W.entries(), *b.flat]))

    def affine(v: Array) -> Array:
        if all_finite and all(map(arb.is_finite, v.flat)):
            z = product(W, v) + b
        else:
            starts = zip(W.table(), b[:, 0], strict=True)
            z = _array(
                (sum(map(_times, row, u), start) for row, start in starts for u in v.T), (len(b), v.shape[1])
            )
        for value in z.flat:
            if not value.rad() < _WIDE and value.is_finite():
                raise TooWideError  # exp of a wider interval might contain 0, by which nothing can be divided
        return z

    return affine


_WIDE = arb(0.125)


def _times(x: arb, y: arb) -> arb:
    """The product. If a factor is infinite, so is the product, with the right sign; `inf * 0` is NaN."""
    product = x * y
    if product.is_finite() or x.is_nan() or y.is_nan():
        return product
    sign = x.sgn() * y.sgn()
    if not sign.is_exact():
        raise TooWideError  # the interval of a factor still contains 0
    return sign * arb(math.inf)


def _sigmoid(z: arb) -> arb:
    """The sigmoid, computed with an exponential that is at most 1."""
    if z > 0:
        return 1 / (1 + (-z).exp())
    e = z.exp()
    return e / (1 + e)


def _softmax(s: Array) -> Array:
    """The softmax of each column of `(k, n_y, m)`, shifted by the largest logit.

    A column is all NaN if a logit is NaN, or the largest logit infinite.
    """
    y = np.empty_like(s)
    for k, j in np.ndindex(len(s), s.shape[2]):
        top = max(s[k, :, j], key=arb.mid)
        e = [(z - top).exp() for z in s[k, :, j]]
        total = sum(e, arb(0))
        y[k, :, j] = [part / total for part in e]
    return y


OPERATIONS: Mapping[str, Any] = {
    **SHARED,
    "exact": balls,
    "zeros": lambda shape, _: np.full(shape, arb(0), object),
    "affine_map": _affine_map,
    "projection": lambda Wp: _affine_map(Wp, np.zeros((*Wp.shape[:2], 1))),
    "head": lambda W, u, b: _affine_map(W, b)(u),
    "tanh": np.frompyfunc(arb.tanh, 1, 1),
    "sigmoid": np.frompyfunc(_sigmoid, 1, 1),
    "relu": np.frompyfunc(lambda z: z.max(arb(0)), 1, 1),
    "softmax": _softmax,
    "times": np.frompyfunc(_times, 2, 1),
}


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


def _rounded(number: arb, toward: float) -> float:
    """A nonnegative exact number as a float64, rounded down if `toward` is 0, or up if it is infinity."""
    nearest = float(number)
    return nearest if number == arb(nearest) else math.nextafter(nearest, toward)
