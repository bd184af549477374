"""The distances, the radius and the text of an enclosure."""

import math
from fractions import Fraction

import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from oracle.witnesses.exact import Enclosure

INF, NAN = math.inf, math.nan


@given(
    st.fractions(min_value=-2, max_value=2),
    st.floats(-2, 2),
    st.sampled_from([-1080, -1030, -300, 0, 300, 1010]),
    st.booleans(),
)
def test_distances_are_rounded_to_the_safe_side(
    value: Fraction, near: float, exponent: int, close: bool
) -> None:
    with ctx.workprec(3000):
        enclosure = Enclosure(arb(value.numerator) / value.denominator * arb(2) ** exponent)
    truth = value * Fraction(2) ** exponent
    number = enclosure.midpoint if close else math.ldexp(near, exponent)
    true = abs(truth - Fraction(number))
    least, most = enclosure.distance(number), enclosure.distance_at_most(number)
    assert Fraction(least) <= true
    assert most == INF or true <= Fraction(most)
    assert most <= least * (1 + 1e-15) + 1e-323 or close


def test_distances_of_infinity_and_nan() -> None:
    nan, inf, half = (Enclosure(arb(number)) for number in (NAN, INF, 0.5))
    for distance in (Enclosure.distance, Enclosure.distance_at_most):
        assert [distance(nan, number) for number in (NAN, INF, 1.0)] == [0, INF, INF]
        assert [distance(inf, number) for number in (INF, -INF, NAN, 1.0)] == [0, INF, INF, INF]
        assert [distance(half, number) for number in (0.5, INF, NAN)] == [0, INF, INF]


def test_distances_from_an_interval() -> None:
    wide = Enclosure(arb(0.5, 0.25))  # Arb rounds a radius to 30 bits
    assert [wide.distance(number) for number in (0.5, 0.7)] == [0, 0]
    assert [wide.distance(number) for number in (1.0, -1.0)] == pytest.approx([0.25, 1.25])
    assert [wide.distance_at_most(number) for number in (0.5, 1.0, -1.0)] == pytest.approx([0.25, 0.75, 1.75])
    assert wide.radius == pytest.approx(0.25)


def test_the_radius_is_rounded_up() -> None:
    with ctx.workprec(100):
        third = Enclosure(arb(1) / 3)
        assert arb(third.radius) >= third.ball.rad()
    assert Enclosure(arb(0.5, "1e-400")).radius == 5e-324


def test_the_text_of_an_enclosure() -> None:
    with ctx.workprec(128):
        third = arb(1) / 3
    assert str(Enclosure(third)) == "0.33333333333333333333…"
    assert str(Enclosure(arb(third.mid(), 1e-22))) == "0.33333333333333333333…"
    assert str(Enclosure(arb(third.mid(), 1e-20))) == "0.33333333333333333333… ± 2e-20"
    assert [str(Enclosure(arb(number))) for number in (0.5, 0.0, -INF)] == ["0.5", "0.0", "-inf"]
