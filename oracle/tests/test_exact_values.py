"""The enclosures contain the exact result."""

import math
from decimal import localcontext
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.tests.decimals import forward
from oracle.tests.problems import CELL, FORWARD, problems
from oracle.witnesses.exact import evaluate, midpoints
from reference.contract import NETWORKS, extent

FINITE = st.sampled_from(["ternary", "unit", "wild", "tiny", "huge"])


def known(kind: Any, x: tuple[int, ...], order: str) -> Inputs:
    """The inputs of a known answer, drawn as in the specification."""
    np.random.seed(1)
    sizes = {"n_x": 3, "n_a": 5, "n_y": 2}
    drawn = {"x": np.random.randn(*x), "a0": np.random.randn(5, 10)}
    for name in order.split():
        drawn[name] = np.random.randn(*(extent(size, sizes) for size in NETWORKS[kind].parameters[name]))
    x_, a0 = drawn.pop("x"), drawn.pop("a0")
    return Inputs(kind, x_, a0, np.zeros((5 if kind == "lstm" else 0, 10)), drawn, x_.dtype)


@given(problems(regime=FINITE, n_a=st.integers(1, 3), m=st.integers(1, 2), T_x=st.integers(1, 4)))
def test_the_enclosure_contains_the_result_of_decimal_arithmetic(problem: Problem) -> None:
    for function in (FORWARD[problem.kind], CELL[problem.kind]):
        inputs = problem.inputs(function)
        enclosed = evaluate(inputs, 1e-30)
        with localcontext(prec=120, Emin=-(10**9), Emax=10**9):
            for t, step in enumerate(forward(inputs, 0)):
                assert step.keys() == enclosed.keys()
                for name, values in step.items():
                    for unit, value in enumerate(values):
                        with ctx.workprec(500):
                            gap = abs(enclosed[name][unit, 0, t].ball - arb(str(value)))
                            assert gap.abs_lower() < arb("1e-60"), (name, unit, t)


def test_the_digits_of_the_specification() -> None:
    x = (3, 10, 7)
    lstm = evaluate(known("lstm", x, "Wf bf Wi bi Wo bo Wc bc Wy by").samples([2, 3, 4]), 1e-30)
    assert lstm["a"][4, 1, 6].distance_at_most(0.17211776753291663) < 2e-16
    assert lstm["y"][1, 2, 3].distance_at_most(0.9508734618501101) < 1e-15
    assert lstm["c"][1, 0, 1].distance_at_most(-0.8555449167181982) < 1e-15
    rnn = evaluate(known("rnn", (3, 10, 4), "Waa Wax Wya ba by").samples([1, 3]), 1e-30)
    assert midpoints(rnn["a"][4, 0]).round(8).tolist() == [-0.99999375, 0.77911235, -0.99861469, -0.99833267]
    assert midpoints(rnn["y"][1, 1]).round(8).tolist() == [0.79560373, 0.86224861, 0.11118257, 0.81515947]


@given(problems(), st.integers(0, 300))
def test_every_enclosure_is_as_narrow_as_requested(problem: Problem, digits: int) -> None:
    radius = 10.0**-digits
    for array in evaluate(problem.inputs(FORWARD[problem.kind]), radius).values():
        for enclosure in array.flat:
            assert enclosure.radius <= radius
            assert enclosure.radius <= 2.0**-63 * max(abs(enclosure.midpoint), radius) or math.isnan(
                enclosure.midpoint
            )


@given(problems(m=st.integers(1, 3), T_x=st.integers(1, 4)))
def test_a_sample_has_the_same_answer_alone(problem: Problem) -> None:
    inputs = problem.inputs(FORWARD[problem.kind])
    together = evaluate(inputs, 1e-20)
    for j in range(problem.m):
        for name, array in evaluate(inputs.samples([j]), 1e-20).items():
            assert list(map(str, array.flat)) == list(map(str, together[name][:, j].flat))


@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 1, 3), (3, 0, 3), (3, 1, 0), (0, 0, 0)])
@pytest.mark.parametrize("kind", ["rnn", "lstm"])
def test_empty_inputs_have_answers_too(kind: Any, n_x: int, m: int, T_x: int) -> None:
    problem = Problem(kind, n_x, 3, 2, m, T_x)
    for name, array in evaluate(problem.inputs(FORWARD[kind]), 1e-20).items():
        assert array.shape == (2 if name == "y" else 3, m, T_x)
