"""Computes the exact result, by which `oracle.verdict` decides which of two answers is wrong.

Ball arithmetic (Arb: Johansson, IEEE Trans. Comput. 66 (2017)) represents every number by an interval that is
proved to contain the exact number. The inputs are exact. The precision doubles until every interval is narrow
enough, so that no number of digits is guessed. The module shares no code with `oracle.rounding`, because
tests compare the bounds of `oracle.rounding` with the exact result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from flint import arb, arb_mat, ctx

from oracle.inputs import Inputs, LayerInputs
from reference.contract import Array, Kind

MOST_BITS = 2**17
"""The largest precision in bits. Each step of a chaotic network uses up some bits."""

KNOWN_BITS = 64
"""The number of correct bits of each value (float64 has 53). Distances are computed with as many bits."""

Values = list[arb]
Affine = Callable[[Values], Values]
Network = Mapping[str, Affine]
"""The affine maps of a network by name.

`a` (with tanh) or `relu` of an RNN, and `f`, `i`, `c`, `o` of an LSTM, act on `[a_prev; xt]`; the projection
`p` and the head `y` act on the hidden state.
"""


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
    """Every quantity of a forward pass: `a`, `y`, and for an LSTM also `c`, `ft`, `it`, `cct`, `ot`.

    Each is an array `(n, m, T_x)` of `Enclosure`, with a radius of at most `radius` and with `KNOWN_BITS`
    bits of the value (or of `radius`, if the value is smaller). A value is infinite or NaN if the formulas
    give infinity or NaN in every order of evaluation. For single steps, pass `Inputs.steps`.

    Raises `ValueError` if `radius` is not a positive number, and `ArithmeticError` if `MOST_BITS` bits do not
    suffice.
    """
    if isinstance(inputs, LayerInputs):
        return _evaluate_layers(inputs, radius)
    network = network_of(inputs.kind, inputs.parameters)
    names = ("a", "y") if inputs.kind == "rnn" else ("a", "y", "c", "ft", "it", "cct", "ot")
    rows = {name: len(inputs.parameters["by"] if name == "y" else inputs.a0) for name in names}
    answer = {name: np.empty((rows[name], *inputs.x.shape[1:]), object) for name in names}
    for j in range(inputs.x.shape[1]):
        sample = inputs.samples([j])
        given = balls(sample.a0), balls(sample.c0), columns(sample.x)
        for t, step in enumerate(narrow_result(partial(evaluate_steps, network, *given), radius)):
            for name in names:
                answer[name][:, j, t] = [Enclosure(value) for value in step[name]]
    return answer


def _evaluate_layers(inputs: LayerInputs, radius: float) -> dict[str, Array]:
    """The quantities of layers: `a (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`."""
    networks = [network_of(inputs.kind, p, inputs.activation) for p in inputs.parameters]
    (places, n_h, m), n_a, T_x = inputs.a0.shape, inputs.c0.shape[1], inputs.x.shape[2]
    answer = {
        "a": np.full((inputs.directions * n_h, m, T_x), Enclosure(arb(0)), object),
        "a_last": np.empty((places * n_h, m, 1), object),
        "c_last": np.empty((places * n_a, m, 1), object),
    }
    for j in range(m):
        sample = inputs.samples([j])
        directions, top = narrow_result(partial(evaluate_directions, networks, sample), radius)
        for t, a in enumerate(top):
            answer["a"][:, j, t] = [Enclosure(value) for value in a]
        a_last = [each.steps[-1]["a"] if each.steps else each.a0 for each in directions]
        c_last = [each.steps[-1].get("c", each.c0) if each.steps else each.c0 for each in directions]
        for name, last in (("a_last", a_last), ("c_last", c_last)):
            answer[name][:, j, 0] = [Enclosure(value) for state in last for value in state]
    return answer if inputs.kind == "lstm" else {name: answer[name] for name in ("a", "a_last")}


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


class Direction(NamedTuple):
    """The inputs and the quantities of the steps of one direction, in its own order, on one sample."""

    a0: Values
    c0: Values
    xs: Sequence[Values]
    steps: Sequence[Mapping[str, Values]]


def evaluate_directions(
    networks: Sequence[Network], inputs: LayerInputs, radius: float
) -> tuple[list[Direction], list[Values]]:
    """All directions of all layers on one sample, and the hidden states of the top layer at each step."""
    xs = columns(inputs.x[:, :, : inputs.ends[0]])
    every = []
    for k in range(0, len(networks), inputs.directions):
        hidden = []
        for place in range(k, k + inputs.directions):
            order = -1 if place > k else 1
            a0, c0 = balls(inputs.a0[place]), balls(inputs.c0[place])
            steps = evaluate_steps(networks[place], a0, c0, xs[::order], radius)
            every.append(Direction(a0, c0, xs[::order], steps))
            hidden.append([step["a"] for step in steps][::order])
        xs = [[value for part in both for value in part] for both in zip(*hidden, strict=True)]
    return every, xs


def evaluate_steps(
    network: Network, a: Values, c: Values, xs: Sequence[Values], radius: float
) -> list[dict[str, Values]]:
    """The quantities of all steps of one sample, from the initial states `a` and `c`."""
    steps = []
    for xt in xs:
        steps.append(_step(network, a, c, xt))
        check_width(radius, *steps[-1].values())
        a, c = steps[-1]["a"], steps[-1].get("c", c)
    return steps


def check_width(radius: float, *quantities: Values) -> None:
    """Raise `TooWideError` unless every finite value is as narrow as `evaluate` states."""
    last_bit = arb(radius) / 2**KNOWN_BITS  # an arb, since it may be too small for a float64
    for value in (value for values in quantities for value in values if value.is_finite()):
        lacks_bits = value.rel_accuracy_bits() < KNOWN_BITS and not value.rad() <= last_bit
        if lacks_bits or not value.rad() <= radius:
            raise TooWideError


def _step(network: Network, a: Values, c: Values, xt: Values) -> dict[str, Values]:
    concat = a + xt
    if "f" not in network:
        [(activation, affine)] = [(name, network[name]) for name in network if name != "y"]
        z = affine(concat)
        a = [value.tanh() for value in z] if activation == "a" else [value.max(arb(0)) for value in z]
        step = {"a": a}
    else:
        ft, it, ot = ([_sigmoid(z) for z in network[gate](concat)] for gate in "fio")
        cct = [z.tanh() for z in network["c"](concat)]
        c = [_times(f, c_prev) + _times(i, cc) for f, c_prev, i, cc in zip(ft, c, it, cct, strict=True)]
        a = [_times(o, c_next.tanh()) for o, c_next in zip(ot, c, strict=True)]
        if "p" in network:
            a = network["p"](a)
        step = {"a": a, "c": c, "ft": ft, "it": it, "cct": cct, "ot": ot}
    return {**step, "y": _softmax(network["y"](a))} if "y" in network else step


def network_of(kind: Kind, p: Mapping[str, Array], activation: str = "tanh") -> dict[str, Affine]:
    """The affine maps of a network with these parameters."""
    if kind == "rnn":
        weight = np.concatenate([p["Waa"], p["Wax"]], axis=1)
        network = {"relu" if activation == "relu" else "a": _affine(weight, p["ba"])}
    else:
        network = {gate: _affine(p[f"W{gate}"], p[f"b{gate}"]) for gate in "fico"}
    if "Wp" in p:
        network["p"] = _affine(p["Wp"], np.zeros((len(p["Wp"]), 1)))
    if "by" in p:
        network["y"] = _affine(p["Wya" if kind == "rnn" else "Wy"], p["by"])
    return network


def _affine(weight: Array, bias: Array) -> Affine:
    W, b = (arb_mat(len(array), array.shape[1], balls(array)) for array in (weight, bias))
    all_finite = bool(np.isfinite(weight).all() and np.isfinite(bias).all())

    def affine(v: Values) -> Values:
        if all_finite and all(value.is_finite() for value in v):
            z = list((W * arb_mat(len(v), 1, v) + b).entries())
        else:
            z = [sum(map(_times, row, v), start) for row, start in zip(W.table(), b.entries(), strict=True)]
        if any(value.is_finite() and not value.rad() < 0.125 for value in z):
            raise TooWideError  # exp of a wider interval might contain 0, by which nothing can be divided
        return z

    return affine


def balls(numbers: Array) -> Values:
    """The numbers of an array as a list of balls."""
    return [arb(number) for number in numbers.ravel().tolist()]


def columns(sequence: Array) -> list[Values]:
    """The steps of a sequence `(n, 1, T)`, each as a list of balls."""
    return [balls(step) for step in np.moveaxis(sequence, 2, 0)]


def _times(x: arb, y: arb) -> arb:
    """The product. If a factor is infinite, so is the product, with the right sign; `inf * 0` is NaN."""
    if (x.is_finite() and y.is_finite()) or x.is_nan() or y.is_nan():
        return x * y
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


def _softmax(s: Values) -> Values:
    """The softmax, shifted by the largest logit; all NaN if a logit is NaN, or the largest logit infinite."""
    top = max(s, key=arb.mid)
    e = [(z - top).exp() for z in s]
    total = sum(e, arb(0))
    return [part / total for part in e]


def _rounded(number: arb, toward: float) -> float:
    """A nonnegative exact number as a float64, rounded down if `toward` is 0, or up if it is infinity."""
    nearest = float(number)
    return nearest if number == arb(nearest) else math.nextafter(nearest, toward)
