"""A law that held on some replies is not checked on equal replies, and is checked on all others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis.database import InMemoryExampleDatabase

from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.strategies.effort import work
from properties.trials.retries import may_be_called
from properties.trials.tally import Tally
from properties.turns.turn import Turn

FUNCTION = "rnn_forward"
TARGET = """
from reference import rnn_forward as right
def rnn_forward(x, a0, parameters):
    a, y, caches = right(x, a0, parameters)
    return a, y{change}, caches
"""
LAWS = {law.name: law for law in all_laws()}


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., tuple[Tally, int]]:
    """Runs a law on a target that changes its predictions: returns the tally, and the number of checks."""
    checked: list[Problem] = []

    def check(trial: Any) -> None:
        checked.append(trial.problem)
        LAWS[trial.law.name].check(trial)

    def run(name: str, law: str, change: str = "") -> tuple[Tally, int]:
        (tmp_path / name).write_text(TARGET.format(change=change))
        counted = replace(LAWS[law], check=check)
        store = Store(InMemoryExampleDatabase(), name, law, FUNCTION)
        checked.clear()
        with Implementation(name, Settings(directory=tmp_path)) as target:
            turn = Turn(counted, target, FUNCTION, store, seed=0)
            turn.holds_on_drawn_problems()
        return turn.tally, len(checked)

    return run


@pytest.mark.parametrize("law", ["trajectory", "samples independent", "split", "refuses bad shapes"])
def test_a_law_is_checked_once_on_equal_replies(judge: Callable[..., tuple[Tally, int]], law: str) -> None:
    """Takes a second: two targets answer all problems of a law."""
    first, checked = judge("one.py", law)
    again, once_more = judge("other.py", law)
    assert 0 < checked <= first.problems  # some problems occur twice
    assert not once_more
    assert again == first


@pytest.mark.parametrize("law", ["trajectory", "samples independent"])
def test_a_law_is_checked_on_other_replies(judge: Callable[..., tuple[Tally, int]], law: str) -> None:
    judge("one.py", law)
    tally, checked = judge("other.py", law, " * (1 + 1e-9)")
    assert checked
    assert checked <= tally.problems


def test_a_law_is_checked_if_only_a_later_reply_differs(judge: Callable[..., tuple[Tally, int]]) -> None:
    judge("one.py", "memory layouts")
    _, checked = judge("other.py", "memory layouts", " * (1 + 1e-9 * (not x.flags.c_contiguous))")
    assert checked


def test_a_law_that_fails_is_not_cached(judge: Callable[..., tuple[Tally, int]]) -> None:
    for name in ("one.py", "other.py"):
        _, checked = judge(name, "trajectory", " * 2")
        assert checked == 1


def test_a_function_is_not_called_on_problems_for_which_it_is_too_slow() -> None:
    target = Implementation("never_started.py")
    small, large = (Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=T_x) for T_x in (2, 50))
    assert may_be_called(target, FUNCTION, large)
    limit = target.settings.time_limit
    target.histories[FUNCTION].add_late(large, work(large, FUNCTION), limit)
    assert may_be_called(target, FUNCTION, small)
    assert not may_be_called(target, FUNCTION, large)
