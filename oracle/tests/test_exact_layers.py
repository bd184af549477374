"""The enclosures of layers contain the exact result of each sample at its own length."""

import math
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any, get_args

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

import reference
from oracle.problems.drawing import Lengths
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.problem import LayerKind, LayerProblem, Problem
from oracle.tests.decimals import layers
from oracle.tests.problems import layer_problems, nonfinite
from oracle.witnesses.exact import Enclosure, evaluate, midpoints
from reference.contract import Array

some = {"m": st.integers(1, 3), "T_x": st.integers(1, 4)}
finite = {"regime": st.sampled_from(["ternary", "unit", "wild", "tiny", "huge"])}


def assert_holds(enclosures: Array, truth: list[Decimal]) -> None:
    for enclosure, value in zip(enclosures, truth, strict=True):
        with ctx.workprec(500):
            gap = abs(enclosure.ball - arb(str(value)))
            assert gap.abs_lower() < arb("1e-60") * (1 + abs(enclosure.ball))


def words(enclosures: Array) -> list[str]:
    return [str(each) for each in enclosures.flat]


@given(layer_problems(**some, **finite, n_a=st.integers(1, 3), layers=st.integers(1, 2)))
def test_the_enclosure_contains_the_result_of_decimal_arithmetic(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    enclosed = evaluate(inputs, 1e-30)
    for j, end in enumerate(inputs.ends):
        with localcontext(prec=120, Emin=-(10**9), Emax=10**9):
            top, a_last, c_last = layers(inputs, j)
            for t in range(end):
                assert_holds(enclosed["a"][:, j, t], top[t])
            assert_holds(enclosed["a_last"][:, j, 0], a_last)
            if "c_last" in enclosed:
                assert_holds(enclosed["c_last"][:, j, 0], c_last)


@given(layer_problems(m=st.integers(1, 3), T_x=st.integers(1, 5)))
def test_the_padding_is_exactly_zero(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    enclosed = evaluate(inputs, 1e-20)
    for j, end in enumerate(inputs.ends):
        for enclosure in enclosed["a"][:, j, end:].flat:
            assert str(enclosure) == "0.0"
            assert [enclosure.distance_at_most(number) for number in (0.0, 5e-324)] == [0, 5e-324]
    beyond = ~inputs.within
    for enclosures, again in zip(
        enclosed.values(),
        evaluate(replace(inputs, x=np.where(beyond, np.nan, inputs.x)), 1e-20).values(),
        strict=True,
    ):
        assert words(enclosures) == words(again)


@given(layer_problems(m=st.integers(1, 3), T_x=st.integers(0, 4)))
def test_a_sample_has_the_same_answer_alone(problem: LayerProblem) -> None:
    inputs = problem.inputs(problem.kind)
    together = evaluate(inputs, 1e-20)
    for j in range(problem.m):
        for name, array in evaluate(inputs.samples([j]), 1e-20).items():
            assert words(array) == words(together[name][:, j])


@given(
    layer_problems(
        **some, layers=st.just(1), directions=st.just(1), n_p=st.just(0), kind=st.just("lstm_layer")
    )
)
def test_one_layer_equals_the_sequence_function(problem: LayerProblem) -> None:
    inputs = replace(problem.inputs("lstm_layer"), lengths=None)
    n_a = problem.n_a
    p = {**inputs.parameters[0], "Wy": np.ones((1, n_a)), "by": np.ones((1, 1))}
    forward = evaluate(Inputs("lstm", inputs.x, inputs.a0[0], inputs.c0[0], p, inputs.dtype), 1e-20)
    layer = evaluate(inputs, 1e-20)
    assert words(layer["a"]) == words(forward["a"])
    assert words(layer["a_last"]) == words(forward["a"][:, :, -1])
    assert words(layer["c_last"]) == words(forward["c"][:, :, -1])


@given(layer_problems(), st.integers(0, 300))
def test_every_enclosure_is_as_narrow_as_requested(problem: LayerProblem, digits: int) -> None:
    radius = 10.0**-digits
    for array in evaluate(problem.inputs(problem.kind), radius).values():
        for enclosure in array.flat:
            assert enclosure.radius <= radius
            assert enclosure.radius <= 2.0**-63 * max(abs(enclosure.midpoint), radius) or math.isnan(
                enclosure.midpoint
            )


# A projection that subtracts what is alike.


def alike_units(radius: float, sign: float) -> Enclosure:
    """A projection that adds or subtracts two equal units."""
    inputs = Problem.lstm_layer(n_x=0, n_a=2, m=1, T_x=2, n_p=1, seed=3).inputs("lstm_layer")
    for name, array in inputs.parameters[0].items():
        array[...] = [[1.0, sign]] if name == "Wp" else array[:1]
    inputs.c0[...] = 0.5
    enclosure: Enclosure = evaluate(inputs, radius)["a"][0, 0, 1]
    return enclosure


@pytest.mark.parametrize("radius", [1.0, 1e-30, 5e-324])
def test_terms_that_cancel_in_a_projection_give_zero_within_the_radius(radius: float) -> None:
    assert alike_units(radius, 1.0).midpoint != 0
    assert alike_units(radius, -1.0).distance(0.0) == 0
    assert alike_units(radius, -1.0).radius <= radius


# Infinity, NaN, and numbers that are too large.


@given(layer_problems(regime=st.just("nonfinite"), dtype=st.just("float64")))
def test_infinity_and_nan_are_as_in_the_reference(problem: LayerProblem) -> None:
    answer = getattr(reference, problem.kind)(*problem.arguments(problem.kind))
    for ours, enclosed in zip(answer, evaluate(problem.inputs(problem.kind), 1e-20).values(), strict=True):
        np.testing.assert_array_equal(nonfinite(midpoints(enclosed).reshape(ours.shape)), nonfinite(ours))


def relu_of(weight: float, *given: float) -> list[Enclosure]:
    """The states of one relu unit from the state 1; each step multiplies by the weight and adds an input."""
    p = {"Wax": np.ones((1, 1)), "Waa": np.full((1, 1), weight), "ba": np.zeros((1, 1))}
    x = np.array(given).reshape(1, 1, -1)
    inputs = LayerInputs("rnn", x, np.ones((1, 1, 1)), np.ones((1, 0, 1)), [p], x.dtype, activation="relu")
    return list(evaluate(inputs, 1e-20)["a"][0, 0])


def test_relu_keeps_infinity_and_nan_and_replaces_negative_numbers_by_0() -> None:
    assert [each.midpoint for each in relu_of(2.0, 0.0, math.inf, 1.0)] == [2, math.inf, math.inf]
    assert [each.midpoint for each in relu_of(2.0, -math.inf, 1.0, -9.0)] == [0, 1, 0]
    assert all(math.isnan(each.midpoint) for each in relu_of(2.0, math.nan, 1.0))
    infinite, none = relu_of(2.0, math.inf, -math.inf)
    assert infinite.midpoint == math.inf
    assert math.isnan(none.midpoint)


def test_a_number_that_is_too_large_for_float64_is_enclosed() -> None:
    *_, third, last = relu_of(1e200, 0.0, 0.0, 0.0)
    assert last.ball.is_finite()
    assert (last.radius, last.midpoint) == (0, math.inf)
    assert last.distance(1e300) > 1e300
    assert third.distance(math.inf) == 0


@pytest.mark.parametrize(("n_x", "m", "T_x"), [(0, 1, 3), (3, 0, 3), (3, 1, 0), (0, 0, 0)])
@pytest.mark.parametrize("kind", get_args(LayerKind))
def test_empty_inputs_have_answers_too(kind: Any, n_x: int, m: int, T_x: int) -> None:
    lengths: tuple[Lengths, ...] = get_args(Lengths) if T_x else ("absent",)
    for each in lengths:
        problem = LayerProblem(kind, n_x, n_a=3, m=m, T_x=T_x, layers=2, directions=2, lengths=each)
        inputs = problem.inputs(kind)
        enclosed = evaluate(inputs, 1e-20)
        assert enclosed["a"].shape == (6, m, T_x)
        assert enclosed["a_last"].shape == (12, m, 1)
        if not T_x:
            np.testing.assert_array_equal(midpoints(enclosed["a_last"]), inputs.a0.reshape(12, m, 1))
