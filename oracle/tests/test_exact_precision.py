"""The precision of ball arithmetic grows until the enclosure is narrow, up to a limit."""

import math
from typing import Any

import numpy as np
import pytest
from flint import ctx

import reference
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.tests.problems import one_unit
from oracle.witnesses import exact
from oracle.witnesses.exact import evaluate, midpoints

INF, NAN = math.inf, math.nan


def chaotic() -> Inputs:
    """A chaotic network of 1000 steps; at its end, correct programs in float64 agree in no digit."""
    inputs = Problem.lstm(n_x=0, n_a=4, n_y=2, m=1, T_x=1000, seed=8).inputs("lstm_forward")
    for gate in "fico":
        inputs.parameters[f"W{gate}"][...] *= 10
    return inputs


def test_a_chaotic_trajectory_is_enclosed_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """This test takes a second, since the enclosures of late steps need thousands of bits."""
    inputs = chaotic()
    enclosed = evaluate(inputs, 1e-15)["a"]
    assert max(enclosure.radius for enclosure in enclosed.flat) <= 1e-15
    again = evaluate(inputs.span(0, 300), 1e-40)["a"]  # computed with another precision
    pairs = zip(enclosed[:, :, :300].flat, again.flat, strict=True)
    assert all(mine.ball.overlaps(other.ball) for mine, other in pairs)
    a, _, _, _ = reference.lstm_forward(*inputs.arguments("lstm_forward"))
    assert np.abs(a - midpoints(enclosed))[:, :, :20].max() < 1e-9
    assert np.abs(a - midpoints(enclosed)).max() > 0.1
    monkeypatch.setattr(exact, "MOST_BITS", 2000)
    with pytest.raises(ArithmeticError, match="2000 bits of precision do not enclose the exact result"):
        evaluate(inputs, 1e-15)


@pytest.mark.parametrize("radius", [1.0, 1e-40])
def test_an_enclosure_that_lost_its_bits_is_not_narrow_enough(radius: float) -> None:
    inputs = chaotic()
    for T_x in range(10, 100, 10):
        for enclosure in evaluate(inputs.span(0, T_x), radius)["a"][:, 0, -1]:
            assert enclosure.radius <= min(radius, 2.0**-63 * abs(enclosure.midpoint))


def test_large_weights_on_a_difference_of_zero_need_more_precision() -> None:
    inputs = Problem.lstm(n_x=0, n_a=2, n_y=2, m=1, T_x=3).inputs("lstm_forward")
    for name, array in inputs.parameters.items():
        array[...] = [1e200, -1e200] if name.startswith("W") else 0.3
    inputs.a0[...] = 0.5
    of_the_bias = {"ft": 1 / (1 + math.exp(-0.3)), "cct": math.tanh(0.3), "y": 0.5}
    for name, value in of_the_bias.items():
        for enclosure in evaluate(inputs, 1e-20)[name].flat:
            assert enclosure.distance_at_most(value) < 1e-15


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_pre_activations_of_any_size_saturate(kind: Any) -> None:
    for size in (1e4, 1e18, 1e300):
        above, below = one_unit(kind, x=size), one_unit(kind, x=-size)
        assert above["a"].distance_at_most(1.0 if kind == "rnn" else math.tanh(1.5)) < 1e-15
        assert below["a"].distance_at_most(-1.0 if kind == "rnn" else 0.0) < 1e-15


@pytest.mark.parametrize("radius", [1e-300, 5e-324])
def test_a_value_that_is_exactly_zero_causes_no_endless_loop(radius: float) -> None:
    # The difference of two equal units is 0, but its interval never becomes a point.
    inputs = Problem.rnn(n_x=0, n_a=2, n_y=1, m=1, T_x=3).inputs("rnn_forward")
    p = inputs.parameters
    p["ba"][...] = 0
    p["Waa"][...] = [[1, 1], [1, 1]]
    assert evaluate(inputs, radius)["a"][0, 0, 2].midpoint != 0
    p["Waa"][...] = [[1, -1], [1, -1]]
    *_, last = evaluate(inputs, radius)["a"][0, 0]
    assert last.distance(0.0) == 0
    assert 0 < last.radius <= radius


@pytest.mark.parametrize("radius", [0.0, -1.0, INF, NAN])
def test_an_invalid_radius_is_refused(radius: float) -> None:
    with pytest.raises(ValueError, match=r"radius=.*, expected a positive number"):
        evaluate(Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1).inputs("rnn_forward"), radius)


def test_the_precision_of_flint_is_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = chaotic().span(0, 200)
    with ctx.workprec(77):
        evaluate(inputs, 1e-20)["a"][0, 0, 0].distance(0.5)
        assert ctx.prec == 77
        monkeypatch.setattr(exact, "MOST_BITS", 200)
        with pytest.raises(ArithmeticError):
            evaluate(inputs, 1e-20)
        assert ctx.prec == 77
