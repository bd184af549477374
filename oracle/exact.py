"""The exact result, enclosed: the witness that decides who is wrong.

Ball arithmetic (Arb: Johansson, IEEE Trans. Comput. 66 (2017)) carries every number as an interval that is
proved to hold the exact one. The inputs enter exactly, and the precision doubles until every interval is
narrow, so no number of digits is guessed. Nothing is shared with `oracle.rounding`, whose bounds this tests.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat, ctx

from oracle.problem import Inputs
from reference.contract import Array

LIMIT = 2**17
"""Bits of precision at which to give up; a step of a chaotic network uses up a few."""

KNOWN = 64
"""Bits known of every value, where a float64 has 53; also the precision in which distances are taken."""

Values = list[arb]
Layer = Callable[[Values], Values]


@dataclass(frozen=True, slots=True)
class Enclosure:
    """An interval that holds the exact value; or the infinity or the NaN that the formulas give there."""

    ball: arb

    @property
    def midpoint(self) -> float:
        """The midpoint, rounded to float64."""
        return float(self.ball.mid())

    @property
    def radius(self) -> float:
        """How far the exact value may be from the midpoint before that was rounded."""
        return _rounded(self.ball.rad(), math.inf) if self.ball.is_finite() else 0.0

    def distance(self, number: float) -> float:
        """How far `number` is from the exact value at least: 0 of the same infinity, or of two NaN."""
        return self._distance(float(number), arb.abs_lower, 0.0)

    def distance_at_most(self, number: float) -> float:
        """How far `number` is from the exact value at most."""
        return self._distance(float(number), arb.abs_upper, math.inf)

    def _distance(self, number: float, end: Callable[[arb], arb], toward: float) -> float:
        if self.ball.is_finite() and math.isfinite(number):
            with ctx.workprec(KNOWN):
                return _rounded(end(self.ball - arb(number)), toward)
        return 0.0 if np.array_equal(number, self.midpoint, equal_nan=True) else math.inf

    def __str__(self) -> str:
        """Such as `0.17211776753291662875… ± 3e-41`; the dots stand for digits known but left out."""
        number = self.midpoint
        if math.isnan(number) or self.ball == arb(number):
            return repr(number)
        # 3/2 of the radius, rounded to one digit in either direction, is no less than the radius.
        return f"{self.ball.mid().str(20, radius=False)}… ± {1.5 * self.radius:.0e}"


class _TooWide(Exception):  # noqa: N818 - asks for more precision, and is no error
    pass


def evaluate(inputs: Inputs, radius: float) -> dict[str, Array]:
    """Every quantity of a forward pass: `a`, `y`, and of an LSTM `c`, `ft`, `it`, `cct`, `ot`.

    Each an array `(n, m, T_x)` of `Enclosure`, of a radius of at most `radius`, and `KNOWN` bits known of the
    value (or of `radius`, where the value is smaller). Infinities and NaN are where the formulas send them in
    any order of evaluation. For single steps, pass `Inputs.steps`.

    Raises `ValueError` where `radius` is not a positive number, and `ArithmeticError` where `LIMIT` bits of
    precision do not suffice.
    """
    if not 0 < radius < math.inf:
        raise ValueError(f"radius={radius!r}, expected a positive number")
    layers = _layers(inputs)
    names = ("a", "y") if inputs.kind == "rnn" else ("a", "y", "c", "ft", "it", "cct", "ot")
    rows = {name: len(inputs.parameters["by"] if name == "y" else inputs.a0) for name in names}
    answer = {name: np.empty((rows[name], *inputs.x.shape[1:]), object) for name in names}
    for j in range(inputs.x.shape[1]):
        for t, step in enumerate(_sample(layers, inputs.columns([j]), min(radius, 1.0))):
            for name in names:
                answer[name][:, j, t] = [Enclosure(value) for value in step[name]]
    return answer


def midpoints(enclosures: Array) -> Array:
    """The midpoints of an array of enclosures, as float64."""
    return np.array([each.midpoint for each in enclosures.flat], np.float64).reshape(enclosures.shape)


def _sample(layers: Mapping[str, Layer], inputs: Inputs, radius: float) -> list[dict[str, Values]]:
    """All steps of one sample, in as much precision as that takes."""
    a0, c0, *xs = (_exactly(column) for column in (inputs.a0, inputs.c0, *np.moveaxis(inputs.x, 2, 0)))
    precision = 2 * KNOWN - math.frexp(radius)[1]
    while precision <= LIMIT:
        with ctx.workprec(precision):
            try:
                a, c, steps = a0, c0, []
                for xt in xs:
                    steps.append(_step(layers, a, c, xt))
                    _demand(radius, *steps[-1].values())
                    a, c = steps[-1]["a"], steps[-1].get("c", c)
                return steps
            except _TooWide:
                precision *= 2
    raise ArithmeticError(f"{LIMIT} bits of precision do not enclose the exact result within {radius:.1g}")


def _demand(radius: float, *quantities: Values) -> None:
    """Every finite value must be as narrow as `evaluate` says."""
    for value in (value for values in quantities for value in values if value.is_finite()):
        vague = value.rel_accuracy_bits() < KNOWN and not value.rad() <= math.ldexp(radius, -KNOWN)
        if vague or not value.rad() <= radius:
            raise _TooWide


def _step(layers: Mapping[str, Layer], a: Values, c: Values, xt: Values) -> dict[str, Values]:
    concat = a + xt
    if "a" in layers:
        a = [z.tanh() for z in layers["a"](concat)]
        return {"a": a, "y": _softmax(layers["y"](a))}
    ft, it, ot = ([_sigmoid(z) for z in layers[gate](concat)] for gate in "fio")
    cct = [z.tanh() for z in layers["c"](concat)]
    c = [_times(f, c_prev) + _times(i, cc) for f, c_prev, i, cc in zip(ft, c, it, cct, strict=True)]
    a = [_times(o, c_next.tanh()) for o, c_next in zip(ot, c, strict=True)]
    return {"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot, "y": _softmax(layers["y"](a))}


def _layers(inputs: Inputs) -> dict[str, Layer]:
    """The affine maps on `[a; x]`, `a` of an RNN or `f`, `i`, `c`, `o` of an LSTM; and `y` on `a`."""
    p = inputs.parameters
    if inputs.kind == "rnn":
        weight = np.concatenate([p["Waa"], p["Wax"]], axis=1)
        return {"a": _layer(weight, p["ba"]), "y": _layer(p["Wya"], p["by"])}
    return {**{gate: _layer(p[f"W{gate}"], p[f"b{gate}"]) for gate in "fico"}, "y": _layer(p["Wy"], p["by"])}


def _layer(weight: Array, bias: Array) -> Layer:
    W, b = (arb_mat(len(array), array.shape[1], _exactly(array)) for array in (weight, bias))
    all_finite = bool(np.isfinite(weight).all() and np.isfinite(bias).all())

    def affine(v: Values) -> Values:
        if all_finite and all(value.is_finite() for value in v):
            z = list((W * arb_mat(len(v), 1, v) + b).entries())
        else:
            z = [sum(map(_times, row, v), start) for row, start in zip(W.table(), b.entries(), strict=True)]
        if any(value.is_finite() and not value.rad() < 0.125 for value in z):
            raise _TooWide  # exp of a wider one might not be told from 0, and then no quotient is defined
        return z

    return affine


def _exactly(numbers: Array) -> Values:
    return [arb(number) for number in numbers.ravel().tolist()]


def _times(x: arb, y: arb) -> arb:
    """The product, an infinite one by its sign; `inf * 0` is NaN."""
    if (x.is_finite() and y.is_finite()) or x.is_nan() or y.is_nan():
        return x * y
    sign = x.sgn() * y.sgn()
    if not sign.is_exact():
        raise _TooWide  # a factor that is not yet told from 0
    return sign * arb(math.inf)


def _sigmoid(z: arb) -> arb:
    """By the exponential that does not grow."""
    if z > 0:
        return 1 / (1 + (-z).exp())
    e = z.exp()
    return e / (1 + e)


def _softmax(s: Values) -> Values:
    """Shifted by the largest logit; all NaN where that is infinite, or one is NaN."""
    top = max(s, key=arb.mid)
    e = [(z - top).exp() for z in s]
    total = sum(e, arb(0))
    return [part / total for part in e]


def _rounded(number: arb, toward: float) -> float:
    """A nonnegative exact number as a float64, down (`toward` 0) or up (`toward` infinity)."""
    nearest = float(number)
    return nearest if number == arb(nearest) else math.nextafter(nearest, toward)
