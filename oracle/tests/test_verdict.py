"""The comparison of two answers finds which of them is wrong, and states the facts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.words import texts_of_facts
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem
from oracle.witnesses import pytorch
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.verdict import Comparison, largest_ratio
from reference.contract import Array

PROBLEM = Problem.lstm(n_x=3, n_a=2, n_y=2, m=2, T_x=3, seed=1)
INPUTS = PROBLEM.inputs("lstm_forward")


def compared(ours: Array, theirs: Array, **given: Any) -> Comparison:
    bound = bounds_on(INPUTS)["a"].error
    return replace(Comparison(INPUTS, "a", "a", ours, theirs, bound), **given)


@pytest.fixture
def a() -> Array:
    return reference.lstm_forward(*PROBLEM.arguments("lstm_forward"))[0]


@pytest.fixture
def torchs() -> Array:
    return pytorch.run(INPUTS)["a"].copy()


def off(values: Array, by: float = 1e-6) -> Array:
    """The values, with an error in one unit of one sample from the second step on."""
    values = values.copy()
    values[1, 0, 1:] += by
    return values


def test_two_right_programs_agree(a: Array, torchs: Array) -> None:
    assert compared(a, torchs).worst < 0.5


def test_several_comparisons_at_once_have_the_ratio_of_the_worst(a: Array, torchs: Array) -> None:
    bound = bounds_on(INPUTS)["a"].error
    outputs = [(off(a, by), torchs, bound) for by in (0, 1e-15, 1e-12)]
    outputs.append((a, torchs[:, :, 2:], bound))  # the last step alone
    outputs.append((a[:, :0], torchs[:, :0], bound[:, :0]))
    worst = [compared(*output[:2], bound=output[2]).worst for output in outputs]
    for last in range(1, 6):
        assert largest_ratio(INPUTS, outputs[:last], "torch") == max(worst[:last])
        assert largest_ratio(INPUTS, outputs[:last], "exact") == 2 * max(worst[:last])
    assert largest_ratio(INPUTS, outputs[-1:], "torch") == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_comparison_of_numbers_that_are_not_finite_needs_a_closer_look(a: Array, wrong: float) -> None:
    bound = np.full_like(a, 1e-15)
    assert not largest_ratio(INPUTS, [(off(a, wrong), a, bound)], "torch") <= 1
    assert not largest_ratio(INPUTS, [(off(a, np.nan), off(a, np.nan), bound)], "torch") <= 1
    assert largest_ratio(INPUTS, [(off(a, np.inf), off(a, np.inf), bound)], "torch") == 0


def test_a_bound_that_is_not_meaningful_needs_a_closer_look(a: Array) -> None:
    """The bound of a gradient is compared with the largest element of the same output."""
    small, fine, large = np.full_like(a, 1e-9), np.full_like(a, 1e-15), np.full_like(a, 0.2)
    assert largest_ratio(INPUTS, [(a, a, fine), (a, a, large)], "torch") == np.inf
    gradients = PROBLEM.inputs("lstm_backward")
    assert largest_ratio(gradients, [(a, a, fine), (small, small, fine)], "torch") == 0
    assert largest_ratio(gradients, [(a, a, fine), (small, small, small)], "torch") == np.inf
    assert largest_ratio(INPUTS, [(a, a, fine), (small, small, small)], "torch") == 0


def test_the_facts_of_a_wrong_answer(a: Array, torchs: Array) -> None:
    ours, theirs = a.copy(), torchs.copy()
    ours[1, 0, 1:], theirs[1, 0, 1] = 0.125, -0.0347620888066540
    facts = compared(ours, theirs, bound=np.full_like(a, 2e-15)).explain()
    assert facts["element"] == {"name": "a", "row": "unit 1", "sample": 0, "step": 1}
    assert facts["implementation"] == 0.125
    assert texts_of_facts(facts) == {
        "element": "a[unit 1, sample 0, step 1]",
        "implementation": "0.125",
        "torch": "-0.034762088806654",
        "exact": "-0.034762088806654006642…",
        "allowed": "2e-15 from the exact value, by rounding in float64",
        "off by": "8e+13 times that",
        "wrong": "the implementation",
        "extent": "2 of 12 elements of a",
    }


@pytest.mark.parametrize(
    ("bounds", "ulp", "words"),
    [
        (3.0, 2e4, "3 times that"),
        (3.0, 12.0, "3 times that, 12 ulp"),
        ("inf", 12.0, "12 ulp, where no error is allowed"),  # the bound is 0
        ("inf", "inf", "more than any rounding error"),  # the answer is NaN or infinite
        ("inf", "nan", "more than any rounding error"),  # the exact value is infinite or NaN
        (9e14, "inf", "9e+14 times that"),  # the exact value is infinite or NaN below the smallest number
    ],
)
def test_the_error_is_stated_as_a_multiple_of_the_bound_unless_the_bound_is_zero(
    bounds: float | str, ulp: float | str, words: str
) -> None:
    assert texts_of_facts({"off_by": {"bounds": bounds, "ulp": ulp}})["off by"] == words


def test_a_corrupted_answer_of_torch_is_wrong(a: Array, torchs: Array) -> None:
    assert compared(a, off(torchs)).explain()["wrong"] == ["torch"]


def test_two_wrong_answers_are_both_wrong(a: Array, torchs: Array) -> None:
    assert compared(off(a), off(torchs, -1e-6)).explain()["wrong"] == ["implementation", "torch"]


def test_nobody_is_wrong_if_neither_answer_exceeds_the_bound() -> None:
    assert texts_of_facts({"wrong": []})["wrong"].startswith("neither")


def test_an_implementation_that_contradicts_itself_is_wrong(a: Array) -> None:
    facts = compared(off(a), a, witness_name="asked again").explain()
    assert facts["again"] == {"asked": "asked again", "value": a[1, 0, 1]}
    assert texts_of_facts(facts)["asked again"] == repr(float(a[1, 0, 1]))
    said = "the implementation: its two answers must agree"
    assert texts_of_facts(facts)["wrong"] == said
    assert "exact" not in facts


def test_the_exact_value_has_no_error_of_its_own(a: Array, torchs: Array) -> None:
    against_torch, against_truth = compared(off(a), torchs), compared(off(a), torchs, witness_name="exact")
    assert against_truth.worst == pytest.approx(2 * against_torch.worst)


def test_the_first_step_that_is_off_is_named(a: Array, torchs: Array) -> None:
    late, early = a.copy(), a.copy()
    late[0, 0, 2] += 1
    early[1, 1, 0] += 1e-9
    both = late + early - a
    assert compared(both, torchs).explain()["element"] == {
        "name": "a",
        "row": "unit 1",
        "sample": 1,
        "step": 0,
    }


@pytest.mark.parametrize(("errors", "sample"), [([1e-9, 1e-3], 1), ([1e-3, 1e-9], 0)])
def test_of_the_first_step_that_is_off_the_worst_sample_is_named(
    a: Array, torchs: Array, errors: list[float], sample: int
) -> None:
    ours = a.copy()
    ours[0, :2, 1] += errors
    ours[1, :2, 2] += 1
    element = compared(ours, torchs).explain()["element"]
    assert (element["row"], element["sample"], element["step"]) == ("unit 0", sample, 1)


def test_an_infinite_exact_value_is_stated() -> None:
    problem = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1, activation="relu", dtype="float16")
    inputs = problem.inputs("rnn_layer")
    inputs = replace(
        inputs,
        x=np.full_like(inputs.x, np.inf),
        parameters=[{name: np.full_like(array, 4) for name, array in inputs.parameters[0].items()}],
    )
    theirs, bound = pytorch.run(inputs)["a_last"], bounds_on(inputs)["a_last"].error
    told = Comparison(inputs, "a_last", "a_last", np.full_like(theirs, np.nan), theirs, bound).explain()
    assert told["implementation"] == "nan"
    assert told["exact"] == {"value": "inf", "digits": "inf"}
    assert told["wrong"] == ["implementation"]


def test_single_steps_are_named_by_sample_and_step(a: Array) -> None:
    c = reference.lstm_forward(*PROBLEM.arguments("lstm_forward"))[2]
    inputs: Inputs = INPUTS.steps(a, c)
    theirs, bound = pytorch.run(inputs)["c"], bounds_on(inputs)["c"].error
    ours = theirs.copy()
    ours[1, 4, 0] += 1e-3  # the second step of the second sample, of three steps each
    comparison = Comparison(inputs, "c", "c", ours, theirs, bound, steps=3)
    facts = comparison.explain()
    assert facts["element"] == {"name": "c", "row": "unit 1", "sample": 1, "step": 1}
    assert texts_of_facts(facts)["exact"].endswith("…, one step from its own state")


def test_nan_and_infinity_equal_only_themselves(a: Array) -> None:
    special = a.copy()
    special[0, 0] = [np.nan, np.inf, -np.inf]
    assert compared(special, special).worst == 0
    assert compared(special, a).worst == np.inf
    assert compared(a, special).worst == np.inf


def test_a_relu_may_give_any_number_for_nan(a: Array) -> None:
    problem = Problem.rnn_layer(n_x=3, n_a=2, m=2, T_x=3, seed=1, activation="relu")
    inputs, expected = problem.inputs("rnn_layer"), np.full_like(a, np.nan)
    zeros, bound = np.zeros_like(a), np.zeros_like(a)
    assert Comparison(inputs, "a", "a", zeros, expected, bound).worst == 0
    assert Comparison(inputs, "a", "a", expected, zeros, bound).worst > 1
    assert Comparison(inputs, "a", "a", zeros, expected, bound, witness_name="asked again").worst > 1
    assert compared(zeros, expected, bound=bound).worst > 1


def test_a_bound_that_is_not_meaningful_is_no_evidence(a: Array, torchs: Array) -> None:
    assert not compared(a, torchs).is_meaningless
    assert compared(a, torchs, bound=np.full_like(a, 0.2)).is_meaningless


def test_the_bound_of_a_gradient_is_relative_to_its_largest_element(a: Array) -> None:
    gradients, bound = PROBLEM.inputs("lstm_backward"), np.full_like(a, 0.05)
    assert not compared(a, a, bound=bound).is_meaningless
    assert not compared(100 * a, 100 * a, bound=bound, inputs=gradients).is_meaningless
    assert compared(a / 100, a / 100, bound=bound, inputs=gradients).is_meaningless


def test_an_error_near_a_bound_that_is_not_meaningful_does_not_count(a: Array, torchs: Array) -> None:
    bound = np.full_like(a, 0.2)
    assert compared(a, torchs + 0.3, bound=bound).worst == pytest.approx(0.75)
    assert compared(a, torchs + 0.3, bound=bound).worst_meaningful == 0
    bound[0, 0, 0] = 0.1
    assert compared(a, torchs + 0.1, bound=bound).worst_meaningful == pytest.approx(0.5)


@pytest.mark.parametrize("witness_name", ["torch", "exact"])
def test_with_an_infinite_bound_nobody_is_wrong_and_there_is_no_evidence(a: Array, witness_name: str) -> None:
    ours, theirs, unknown = a.copy(), a.copy(), np.full_like(a, np.inf)
    ours[0, 0], theirs[0, 0] = [np.inf, np.nan, 1.0], [-np.inf, 2.0, np.nan]
    comparison = compared(ours, theirs, bound=unknown, witness_name=witness_name)
    assert comparison.worst == comparison.worst_meaningful == 0
    assert comparison.is_meaningless
    assert compared(a, np.full_like(a, np.inf), bound=unknown, witness_name=witness_name).is_meaningless
    unknown[1:] = 1e-15
    assert compared(off(ours), theirs, bound=unknown, witness_name=witness_name).worst > 1


def test_an_infinity_that_all_programs_give_is_evidence(a: Array) -> None:
    special = np.full_like(a, np.inf)
    assert not compared(special, special, bound=np.zeros_like(a)).is_meaningless
