"""Tests of the diagnosis of cells and forward passes, also of two mistakes at once."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import reference
from oracle.explanations.behaviour import Behaviour, mistaken_program
from oracle.explanations.catalogue_search import _behaviours, _with_counterexample, diagnose
from oracle.explanations.claims import Claim, mistake
from oracle.explanations.effects import right_digits
from oracle.explanations.problems import Scope, distinguishing_problems
from oracle.faults import FAULTS, mistakes_in
from oracle.faults.fault import Fault
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from oracle.tests.answers import NEARLY, program, side_effect, small, wrong_outputs
from oracle.tests.selection import chosen
from reference.contract import FUNCTIONS

PAIRS = [
    ("rnn_cell_forward", "biases_missing", "softmax_over_samples"),
    ("rnn_cell_forward", "a_weights_transposed", "head_from_a_prev"),
    ("rnn_forward", "x_above_a", "no_softmax"),
    ("rnn_forward", "head_bias_missing", "a0_ignored"),
    ("rnn_forward", "biases_doubled", "every_step_from_a0"),
    ("rnn_forward", "time_reversed", "caches_empty"),
    ("rnn_forward", "sigmoid_for_softmax", "last_cache_alone"),
    ("lstm_cell_forward", "update_and_forget_gates_exchanged", "output_bias_missing"),
    ("lstm_cell_forward", "x_above_a", "candidate_sigmoid"),
    ("lstm_cell_forward", "update_and_output_gates_exchanged", "head_from_a_prev"),
    ("lstm_forward", "tanh_on_c_left_out", "c0_is_a0"),
    ("lstm_forward", "forget_bias_plus_one", "update_gate_missing"),
    ("lstm_forward", "output_gate_left_out", "c_view_cached"),
    ("lstm_forward", "forget_and_candidate_gates_exchanged", "c_reset_every_step"),
]


def diagnosis(function: str, implementation: Any) -> list[str]:
    return [each.words for each in diagnose(function, program(function, implementation), small(function))]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_reference_has_no_findings(function: str) -> None:
    assert diagnosis(function, reference) == []
    assert side_effect(function, program(function, reference), small(function)) == []
    assert wrong_outputs(function, program(function, reference), small(function)) == NEARLY


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_program_that_always_raises_has_no_wrong_outputs(function: str) -> None:
    assert wrong_outputs(function, lambda _, then=None: Behaviour.of_error(), small(function)) == ""


def test_wrong_outputs_are_listed_with_their_first_wrong_step() -> None:
    one_late = mistaken_program("rnn_forward", FAULTS["last_step_skipped"])
    known = wrong_outputs("rnn_forward", one_late, small("rnn_forward"))
    assert known.endswith("wrong outputs: a (first at step 1), y_pred (first at step 1), caches")
    cell = wrong_outputs(
        "rnn_cell_forward", mistaken_program("rnn_cell_forward", FAULTS["no_softmax"]), small("rnn_forward")
    )
    assert cell == "wrong outputs: yt_pred"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_outputs_do_not_explain_caches_of_another_form(function: str) -> None:
    def forgetful(*arguments: Any) -> Any:
        *outputs, _ = getattr(FAULTS["relu_for_tanh"], function)(*arguments)
        return *outputs, "no caches"

    ask = program(function, SimpleNamespace(**{function: forgetful}))
    assert diagnose(function, ask, small(function))[0] == mistake("relu_for_tanh")
    assert diagnose(function, ask, small(function), Scope(whole=True)) == []


@pytest.mark.parametrize(("function", "one", "two"), PAIRS)
def test_two_mistakes_at_once_are_both_named(function: str, one: str, two: str) -> None:
    pair = FAULTS[one] + FAULTS[two]
    assert diagnosis(function, pair)[0] == pair.sentence


def test_a_pair_is_named_only_if_it_explains_more_than_one_mistake() -> None:
    assert diagnosis("rnn_forward", FAULTS["a0_ignored"])[0] == FAULTS["a0_ignored"].sentence
    assert not any(", and " in sentence for sentence in diagnosis("rnn_forward", FAULTS["a0_ignored"]))


@pytest.mark.parametrize(("steps", "digits"), [(127, None), (2**10, 2), (2**15, 4), (2**40, None)])
def test_rounded_weights_give_the_number_of_right_digits(steps: int, digits: int | None) -> None:
    """Weights of int8 have fewer right digits than a finding has, and weights of float64 more."""

    def lstm_cell_forward(xt: Any, a_prev: Any, c_prev: Any, p: Any) -> Any:
        most = {name: np.abs(W).max() / steps or 1 for name, W in p.items()}
        rounded = {name: np.round(W / most[name]) * most[name] for name, W in p.items()}
        return reference.lstm_cell_forward(xt, a_prev, c_prev, rounded)

    ask = program("lstm_cell_forward", SimpleNamespace(lstm_cell_forward=lstm_cell_forward))
    inputs = Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=1).inputs("lstm_cell_forward")
    assert right_digits("lstm_cell_forward", ask, inputs) == (digits and Claim.of("digits", digits=digits))


@pytest.mark.parametrize(("seed", "digits"), [(3, None), (4, 2)])
def test_digits_are_not_counted_where_all_numbers_of_an_output_are_lost(
    seed: int, digits: int | None
) -> None:
    """The answer to the first problem is 0 in place of 4e-11."""

    def lstm_forward(x: Any, a0: Any, p: Any) -> Any:
        small_left_out = {name: np.where(np.abs(W) < 0.01, 0, W) for name, W in p.items()}
        return reference.lstm_forward(x, a0, small_left_out)

    ask = program("lstm_forward", SimpleNamespace(lstm_forward=lstm_forward))
    problem = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="tiny", seed=seed)
    inputs = problem.inputs("lstm_forward")
    assert right_digits("lstm_forward", ask, inputs) == (digits and Claim.of("digits", digits=digits))


def rational_tanh(z: Any) -> Any:
    """An approximation of tanh: for small numbers, it is right to two digits."""
    return z * (27 + z * z) / (27 + 9 * z * z)


@pytest.mark.parametrize(
    ("activation", "digits"),
    [(rational_tanh, None), (lambda z: np.tanh(z).astype("float32").astype(float), 7)],
    ids=["rational", "float32"],
)
def test_an_approximation_has_no_number_of_right_digits(activation: Any, digits: int | None) -> None:
    changes = {"a_next": lambda v: v.ot * activation(v.c_next)}
    approximate = mistaken_program("lstm_cell_forward", Fault("", "", "", {"lstm_cell_forward": changes}))
    inputs = Problem.lstm(n_x=2, n_a=3, n_y=2, m=2, T_x=1).inputs("lstm_cell_forward")
    found = right_digits("lstm_cell_forward", approximate, inputs)
    assert found == (digits and Claim.of("digits", digits=digits, outputs=["a_next", "yt_pred"]))


def test_an_error_without_steps_does_not_name_a_mistake_in_caches() -> None:
    def rnn_forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, (caches, x) = reference.rnn_forward(x, a0, parameters)
        if not caches:
            raise UnboundLocalError("xt")
        return a, y, (caches, x[:, :, -1])

    none = Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=0).inputs("rnn_forward")
    assert (
        diagnose("rnn_forward", program("rnn_forward", SimpleNamespace(rnn_forward=rnn_forward)), none) == []
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_cached_answers_of_a_mistake_equal_fresh_answers(function: str) -> None:
    """Also if a mistake remembers calls, for every order of counterexamples.

    Takes seconds: a sixth of the mistakes answer all problems four times.
    """
    given, other = (
        distinguishing_problems(function, small(function)),
        replace(small(function), x=small(function).x + 1),
    )
    for fault in chosen(mistakes_in(function), lambda fault: fault.group):
        for counterexample in (other, small(function)):
            inputs = [*(problem.inputs(function) for problem in given), counterexample]
            cached = [*_with_counterexample(function, fault, ANYTHING, given, counterexample)]
            fresh = [*_behaviours(mistaken_program(function, fault), inputs)]
            assert all(map(Behaviour.is_like, cached, fresh)), fault.name
