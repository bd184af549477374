"""Tests that a claim is held against the shown failure, by the call that the law makes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from oracle.explanations.changes import Condition, Replacement
from oracle.explanations.claims import Claim, mistake
from oracle.explanations.location import Location
from oracle.faults import FAULTS
from oracle.faults.fault import Fault
from oracle.problems.drawing import Regime
from oracle.problems.problem import Problem
from properties.explanations.prediction import is_predicted
from properties.implementations.answers import Answers
from properties.laws import all_laws
from properties.tests.one_law import InProcess
from properties.trials.trial import Trial, ViolationError

RNN = Problem.rnn(n_x=2, n_a=3, n_y=2, m=4, T_x=3, regime="unit")
LSTM = Problem.lstm(n_x=2, n_a=3, n_y=2, m=4, T_x=3, regime="unit")
LAYER = Problem.lstm_layer(n_x=2, n_a=3, m=3, T_x=4, directions=2, lengths="random", regime="unit", seed=1)


def violation(law: str, fault: Fault, function: str, problem: Problem) -> ViolationError:
    """The violation of a law by a mistake."""
    stated = next(each for each in all_laws() if each.name == law)
    answers = Answers.to_one(InProcess(fault), function, problem)
    with pytest.raises(ViolationError) as caught:
        stated.check(Trial(stated, answers, 0))
    return caught.value


@pytest.mark.parametrize(
    ("law", "function", "problem", "true", "false"),
    [
        ("trajectory", "lstm_forward", LSTM, "c0_is_a0", "tanh_on_c_left_out"),
        ("each step", "rnn_forward", RNN, "biases_missing", "biases_doubled"),
        ("cache entries", "lstm_forward", LSTM, "last_cache_alone", "c0_is_a0"),
        ("each length alone", "lstm_layer", LAYER, "held_state_in_padding", "c0_ignored"),
        ("each step", "lstm_layer", LAYER, "c0_ignored", "a0_ignored"),
        ("softmax columns", "rnn_forward", RNN, "sigmoid_for_softmax", "no_softmax"),
    ],
)
def test_a_claim_that_does_not_predict_the_shown_failure_is_refuted(
    law: str, function: str, problem: Problem, true: str, false: str
) -> None:
    shown = violation(law, FAULTS[true], function, problem)
    assert is_predicted(shown, mistake(true)) is True
    assert is_predicted(shown, mistake(false)) is False


@pytest.mark.parametrize(
    ("number", "relation", "predicted"), [(4, "=", True), (4, "≠", False), (5, "≥", False)]
)
def test_the_shown_problem_meets_the_conditions_of_a_mistake(
    number: float, relation: Any, predicted: bool
) -> None:
    shown = violation("trajectory", FAULTS["biases_missing"], "rnn_forward", RNN)
    when = [vars(Condition("size", "m", relation, number))]
    assert is_predicted(shown, Claim.of("mistake", names=["biases_missing"], when=when)) is predicted


@pytest.mark.parametrize(
    ("conditions", "how", "predicted"),
    [
        ((), Replacement("Waa a_prev", function="zero"), True),
        ((Condition("index", "step", "≥", 1),), Replacement("Waa a_prev", function="zero"), False),
        ((), Replacement("Waa a_prev", function="one"), False),
    ],
)
def test_a_location_gives_the_shown_number(conditions: Any, how: Replacement, predicted: bool) -> None:
    fault = Fault("", "", "", {"rnn_forward": {"a_next": lambda v: np.tanh(v.Wax @ v.xt + v.ba)}})
    shown = violation("trajectory", fault, "rnn_forward", RNN)
    location = Location(["a_next"], conditions, how, shown=["a_next", "yt_pred"])
    assert is_predicted(shown, location.claim("rnn")) is predicted


@pytest.mark.parametrize("law", ["nonfinite", "extreme magnitudes"])
def test_a_location_gives_the_shown_number_also_if_it_is_tiny(law: str) -> None:
    """All three gates are clipped, which a memory state of about 1e-13 shows; with one, it is another."""
    shown_results, clipped = (
        ["c_next", "a_next", "yt_pred"],
        Replacement("zf", function="clipped", number=30.0),
    )
    true = Location(["ft", "it", "ot"], (), clipped, shown=shown_results)
    problem = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime=REGIMES[law], seed=0)
    shown = violation(law, true.fault("lstm_cell_forward"), "lstm_cell_forward", problem)
    assert is_predicted(shown, true.claim("lstm")) is True
    alone = replace(true, targets=["ft"])
    assert is_predicted(shown, alone.claim("lstm")) is False


REGIMES: Mapping[str, Regime] = {"nonfinite": "nonfinite", "extreme magnitudes": "huge"}


@pytest.mark.parametrize(
    ("law", "true", "false"),
    [
        ("split", "a0_ignored", "biases_missing"),
        ("samples independent", "softmax_over_samples", "biases_missing"),
    ],
)
def test_a_claim_is_held_against_the_calls_of_the_law(law: str, true: str, false: str) -> None:
    """The law holds for the second mistake, whose answers are wrong, too."""
    shown = violation(law, FAULTS[true], "rnn_forward", RNN)
    assert is_predicted(shown, mistake(true)) is True
    assert is_predicted(shown, mistake(false)) is False


def test_the_numbers_of_both_calls_of_a_law_may_differ_by_rounding() -> None:
    rounded_otherwise = FAULTS["softmax_over_samples"] | {"answer": lambda array: array * (1 + 2.0**-52)}
    shown = violation("samples independent", rounded_otherwise, "rnn_forward", RNN)
    assert is_predicted(shown, mistake("softmax_over_samples")) is True


@pytest.mark.parametrize(("number", "relation", "predicted"), [(4, "=", True), (1, "≥", False)])
def test_the_conditions_of_a_mistake_are_held_against_each_call_of_the_law(
    number: float, relation: Any, predicted: bool
) -> None:
    """The law compares the batch with smaller ones, so it holds for a program that is wrong on both."""
    with_right_parts = Fault(
        "",
        "",
        "",
        {"rnn_forward": {"a_next": lambda v: np.tanh(v.Wax @ v.xt + v.Waa @ v.a_prev + v.ba * (v.m < 4))}},
    )
    shown = violation("samples independent", with_right_parts, "rnn_forward", RNN)
    when = [vars(Condition("size", "m", relation, number))]
    assert is_predicted(shown, Claim.of("mistake", names=["biases_missing"], when=when)) is predicted


@pytest.mark.parametrize(
    ("law", "size", "problem"),
    [("backward direction", "D", LAYER), ("composition", "L", replace(LAYER, layers=2, directions=1))],
)
def test_a_condition_may_be_on_the_number_of_directions_or_layers(
    law: str, size: str, problem: Problem
) -> None:
    without_a0 = {"a0": lambda v: v.a0 * (getattr(v, size) < 2)}
    shown = violation(law, Fault("", "", "", {"lstm_layer": without_a0}), "lstm_layer", problem)
    when = [vars(Condition("size", size, "=", 2))]
    assert is_predicted(shown, Claim.of("mistake", names=["a0_ignored"], when=when)) is True


@pytest.mark.parametrize(
    ("factor", "digits", "predicted"), [(1.1, 2, None), (1.1, 9, False), (1e-9, 2, False), (1e-9, 9, False)]
)
def test_digits_are_held_against_the_shown_error(factor: float, digits: int, predicted: bool | None) -> None:
    """A number without a right digit refutes every number of digits."""
    shown = violation("trajectory", FAULTS["inputs_in_float32"], "rnn_forward", RNN)
    assert is_predicted(shown, Claim.of("digits", digits=5)) is None
    scaled = Fault("", "", "", {"rnn_forward": {"a_next": lambda v: factor * np.tanh(v.z)}})
    wrong = violation("trajectory", scaled, "rnn_forward", RNN)
    assert is_predicted(wrong, Claim.of("digits", digits=digits)) is predicted


@pytest.mark.parametrize(
    "claim",
    [
        Claim.of("traces", outputs=[["a", ""]]),
        Location(["a_next"]).claim("rnn"),
        mistake("arguments_remembered"),
        Claim.of("two answers"),
    ],
)
def test_a_claim_without_answers_predicts_nothing(claim: Claim) -> None:
    shown = violation("trajectory", FAULTS["biases_missing"], "rnn_forward", RNN)
    assert is_predicted(shown, claim) is None


def test_a_prediction_does_not_change_the_target() -> None:
    shown = violation("trajectory", FAULTS["biases_missing"], "rnn_forward", RNN)
    target = shown.trial.implementation
    before = dict(vars(target))
    assert is_predicted(shown, mistake("biases_doubled")) is False
    assert vars(target) == before
