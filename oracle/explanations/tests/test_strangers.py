"""Tests that claims about mistakes of other authors are true on problems that the search did not use."""

from types import SimpleNamespace
from typing import Any

import pytest

import reference
from oracle.explanations.behaviour import program_of, specification
from oracle.explanations.cache_entries import wrong_cache_entries
from oracle.explanations.location_search import CALLS, CALLS_OF_LAYERS, locate
from oracle.explanations.observer import observe
from oracle.explanations.tests.told import differing, predicted, told
from oracle.explanations.words import MOST_CHARACTERS
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import Problem
from oracle.tests.selection import chosen
from oracle.tests.strangers import STRANGERS, CountingProgram, Stranger

NOT_SEARCHED = {
    "e/F2 fused [Waa Wax] kept and only Waa compared": "earlier calls",
    "na/20 absent c0 taken from a0": "absent states",
    "pb/10 c0 dropped without a0": "absent states",
    "ma/26 first sample taken for the longest": "lengths of two samples",
    "fa/25 cell state updated in place": "caches",
    "gb/01 cache keeps a_next twice": "caches",
    "gd/09 one state buffer shared by all caches": "caches",
    "z/24 sequences of one step treated as empty": "shorter sequences have other states",
}
"""Mistakes outside the steps that the catalogue does not have, with the reason."""
LOCATED = chosen(
    (each for each in STRANGERS.values() if each.name not in NOT_SEARCHED), lambda each: each.function
)
WHERE_ALONE = {
    "ap/10 batch blocks of 32 take xt from the first columns",
    "c/input staged in blocks of 8 steps, short last block not loaded",
    "q/20 last minibatch takes the first initial states",
    "gc/12 step reused when the input repeats",
    "gd/05 stops when the state has settled",
}
"""Mistakes whose location does not say what the program answers, but which result of a step is wrong."""


@pytest.mark.parametrize("stranger", LOCATED, ids=lambda each: each.name)
def test_a_claim_predicts_the_answers_to_new_problems(stranger: Stranger) -> None:
    """Takes up to a second: a search makes some 120 calls, and the check 50."""
    function, program, shown = stranger.function, CountingProgram(stranger), Problem.parse(stranger.problem)
    claim = told(function, program, shown)
    assert claim
    assert all(len(line) <= MOST_CHARACTERS for line in claim.lines)
    predicting = predicted(function, claim)
    assert (predicting is None) == (stranger.name in WHERE_ALONE)
    if predicting:
        program.restart()
        assert differing(function, program, predicting, shown, claim) == []
    elif not function.endswith("_layer"):
        steps = observe(function, shown.inputs(function), program, ANYTHING)
        assert steps
        assert steps.first_wrong == claim.facts["where"][0]


@pytest.mark.parametrize("name", ["rnn_cell_forward", "lstm_layer"])
def test_a_search_makes_a_limited_number_of_calls(name: str) -> None:
    stranger = next(each for each in LOCATED if each.function == name)
    program = CountingProgram(stranger)
    locate(name, program, Problem.parse(stranger.problem))
    assert program.calls <= (CALLS_OF_LAYERS if name.endswith("_layer") else CALLS)


@pytest.mark.parametrize("name", NOT_SEARCHED)
def test_no_equation_is_blamed_for_a_mistake_outside_the_steps(name: str) -> None:
    stranger = STRANGERS[name]
    assert locate(stranger.function, CountingProgram(stranger), Problem.parse(stranger.problem)) is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gb/01 cache keeps a_next twice", "the cached a_prev is a_next"),
        (
            "gd/09 one state buffer shared by all caches",
            "the cached a_prev is a_next of the last step of the sequence",
        ),
    ],
)
def test_wrong_entries_of_caches_have_names(name: str, said: str) -> None:
    stranger = STRANGERS[name]
    program, inputs = CountingProgram(stranger), Problem.parse(stranger.problem).inputs(stranger.function)
    found = wrong_cache_entries(stranger.function, program, inputs, ANYTHING)
    assert found
    assert found.words == said


def test_wrong_entries_have_names_if_only_the_last_memory_state_is_returned() -> None:
    def lstm_forward(*arguments: Any) -> Any:
        a, y, c, (caches, x) = reference.lstm_forward(*arguments)
        return a, y, c[:, :, -1:], ([(*each[:4], each[5], each[4], *each[6:]) for each in caches], x)

    program = program_of(SimpleNamespace(lstm_forward=lstm_forward), "lstm_forward", ANYTHING)
    inputs = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=2).inputs("lstm_forward")
    found = wrong_cache_entries("lstm_forward", program, inputs, ANYTHING)
    assert found
    assert found.words == "the cached ft is it; the cached it is ft"


def test_a_target_without_caches_has_no_wrong_entries() -> None:
    limits = Limits(caches=False)
    inputs = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1).inputs("lstm_forward")
    assert wrong_cache_entries("lstm_forward", specification("lstm_forward", limits), inputs, limits) is None
