"""Problems that are drawn once for all laws are those that Hypothesis would try. Failures on them count."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.strategies.drawn_problems import drawn_examples, examples
from properties.strategies.effort import EFFORTS
from properties.trials.law import Law
from properties.trials.trial import ViolationError
from properties.turns.turn import Turn

MOODY = """
from reference import rnn_cell_forward as right
calls = 0
def rnn_cell_forward(xt, a_prev, parameters):
    global calls
    calls += 1
    a_next, yt_pred, cache = right(xt, a_prev, parameters)
    return a_next + (calls == 10), yt_pred, cache
"""


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("law", all_laws(), ids=lambda law: law.name)
def test_it_is_what_a_search_tries_that_finds_nothing(law: Any, number: int) -> None:
    function = law.functions[-number]  # the first problem and the last one
    strategy = examples(function, EFFORTS["dev"], law.domain)
    tried: list[Sequence[Problem]] = []

    @seed(number)
    @settings(settings.get_profile("dev"), database=None)
    @given(data=st.data())
    def search(data: st.DataObject) -> None:
        tried.append(data.draw(strategy))

    search()
    once = drawn_examples(function, EFFORTS["dev"], law.domain, number, "dev")
    assert once == tried
    assert drawn_examples(function, EFFORTS["dev"], law.domain, number, "dev") is once


CHAOTIC = Problem.lstm(n_x=1, n_a=6, n_y=1, m=1, T_x=200, regime="wild", seed=5)
"""Its bounds over the whole trajectory grow beyond use."""


@pytest.mark.parametrize(
    "law",
    [law for law in all_laws() if law.concerns("lstm_forward", CHAOTIC)],
    ids=lambda law: law.name,
)
def test_one_problem_is_checked_without_a_search(law: Law) -> None:
    store = Store(InMemoryExampleDatabase(), "reference", law.name, "lstm_forward")
    with Implementation("reference") as reference:
        turn = Turn(law, reference, "lstm_forward", store, only_problem=CHAOTIC)
        turn.run()
    assert turn.tally.problems == 1


RIGHT = """
from reference import rnn_cell_forward as right_cell, rnn_forward as right
"""
SELDOM = {
    ("each step", "rnn_cell_forward"): """
def rnn_cell_forward(xt, a_prev, parameters):
    if len(xt) == len(a_prev) == 2 == xt.shape[1]:
        parameters = {**parameters, "Wax": parameters["Wax"].T}
    return right_cell(xt, a_prev, parameters)
""",
    ("trajectory", "rnn_forward"): """
def rnn_forward(x, a0, parameters):
    a, y, caches = right(x, a0, parameters)
    a[:, :, 100:] = 0
    return a, y, caches
""",
    ("each step", "rnn_forward"): """
def rnn_forward(x, a0, parameters):
    a, y, caches = right(x, a0, parameters)
    a[32:] = 0
    return a, y, caches
""",
}
"""By law and function, a target that is wrong only at equal sizes, in long sequences, or with many units."""


def turn_of(law: str, function: str, target: Implementation) -> Turn:
    """The first turn of a law in the quick profile."""
    (checked,) = (each for each in all_laws() if each.name == law)
    store = Store(InMemoryExampleDatabase(), target.target, law, function)
    return Turn(checked, target, function, store, "quick", 1)


@pytest.mark.parametrize(("law", "function"), SELDOM)
def test_what_is_seldom_or_never_drawn_is_seen_with_any_seed(tmp_path: Path, law: str, function: str) -> None:
    (tmp_path / "seldom.py").write_text(RIGHT + SELDOM[law, function])
    with Implementation("seldom.py", Settings(directory=tmp_path)) as target:
        assert not turn_of(law, function, target).holds_on_drawn_problems()


def test_what_failed_once_fails_though_it_is_not_seen_again(tmp_path: Path) -> None:
    """Takes a second if the worker has to start."""
    (tmp_path / "moody.py").write_text(MOODY)
    with Implementation("moody.py", Settings(directory=tmp_path)) as target:
        turn = turn_of("each step", "rnn_cell_forward", target)
        with pytest.raises(ViolationError):
            turn.run()
