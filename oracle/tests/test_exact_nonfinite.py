"""The exact results that are infinite or NaN."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.tests.problems import CELL, FORWARD, nonfinite, one_unit, problems
from oracle.witnesses import exact
from oracle.witnesses.exact import evaluate, midpoints

INF, NAN = math.inf, math.nan


def test_infinite_inputs_saturate() -> None:
    assert one_unit("rnn", x=INF)["a"].midpoint == 1
    assert one_unit("rnn", x=-INF)["a"].midpoint == -1
    step = one_unit("lstm", x=INF, Wo=-1.0)
    assert [step[name].midpoint for name in ("ft", "it", "cct", "ot")] == [1, 1, 1, 0]
    assert step["c"].midpoint == 1.5
    assert one_unit("lstm", x=0.0, c0=INF)["c"].midpoint == INF
    assert one_unit("lstm", x=0.0, c0=-INF)["c"].midpoint == -INF
    assert one_unit("lstm", x=0.0, c0=-INF)["a"].distance_at_most(-1 / (1 + math.exp(-1.5))) < 1e-15
    without_input = one_unit("rnn", x=0.0, Wax=-INF, a0=1.0)["a"]
    assert without_input.midpoint != one_unit("rnn", x=1.0, Wax=-INF)["a"].midpoint == -1
    assert one_unit("rnn", x=0.5, by=-INF)["y"].midpoint == 0


@pytest.mark.parametrize(
    ("kind", "given", "name"),
    [
        ("rnn", {"x": NAN}, "a"),
        ("rnn", {"x": NAN}, "y"),
        ("rnn", {"x": INF, "Wax": 0.0}, "a"),
        ("rnn", {"x": 0.0, "Wax": INF}, "a"),
        ("rnn", {"x": INF, "a0": -INF}, "a"),
        ("rnn", {"x": INF, "a0": INF, "Wax": -1.0}, "a"),
        ("rnn", {"x": 0.5, "by": INF}, "y"),
        ("rnn", {"x": 0.5, "by": NAN}, "y"),
        ("rnn", {"x": 0.5, "ba": NAN}, "a"),
        ("lstm", {"x": 0.5, "c0": NAN}, "c"),
        ("lstm", {"x": -INF, "c0": INF, "Wi": 1.0}, "c"),
    ],
)
def test_an_indeterminate_result_is_nan(kind: Any, given: dict[str, float], name: str) -> None:
    enclosure = one_unit(kind, **given)[name]
    assert math.isnan(enclosure.midpoint)
    assert str(enclosure) == "nan"
    assert enclosure.radius == 0


def test_an_infinity_times_an_interval_around_zero_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exact, "MOST_BITS", 1000)
    inputs = Problem.rnn(n_x=0, n_a=2, n_y=1, m=1, T_x=3).inputs("rnn_forward")
    inputs.a0[...] = [[0.5], [0.25]]
    p = {**inputs.parameters, "Waa": np.array([[1.0, 1.0], [1.0, 1.0]]), "ba": np.zeros((2, 1))}
    alike = Inputs("rnn", inputs.x, inputs.a0, inputs.c0, p, inputs.dtype)
    p["Wya"] = np.array([[INF, -INF]])
    assert math.isnan(evaluate(alike, 1e-20)["y"][0, 0, 2].midpoint)
    p["Waa"] = np.array([[1.0, -1.0], [1.0, -1.0]])
    with pytest.raises(ArithmeticError, match="1000 bits"):
        evaluate(alike, 1e-20)


@given(problems(regime=st.just("nonfinite"), dtype=st.just("float64")))
def test_infinity_and_nan_are_as_in_the_reference(problem: Problem) -> None:
    for function in (FORWARD[problem.kind], CELL[problem.kind]):
        if problem.T_x or function == FORWARD[problem.kind]:
            inputs = problem.inputs(function)
            enclosed = evaluate(inputs, 1e-20)
            a, *rest = getattr(reference, function)(*inputs.arguments(function))
            y = rest[0] if problem.kind == "rnn" or function == "lstm_forward" else rest[1]
            for ours, theirs in ((midpoints(enclosed["a"]), a), (midpoints(enclosed["y"]), y)):
                np.testing.assert_array_equal(nonfinite(ours.reshape(theirs.shape)), nonfinite(theirs))
