"""A failure is shrunk: to a problem of a small shape, or if the law holds on these, by Hypothesis."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from oracle.faults import Fault
from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.laws import all_laws
from properties.strategies.domain import ANY_DOMAIN, Domain
from properties.strategies.drawn_problems import problems
from properties.strategies.effort import EFFORTS
from properties.tests.one_law import InProcess
from properties.trials.law import Law
from properties.turns.smaller_problems import MOST_EXCESS, is_smallest, small_problems
from properties.turns.turn import Turn
from reference.contract import FUNCTIONS

RIGHT = InProcess(Fault("right", "none", "", {}))


@given(st.data())
def test_they_are_of_the_domain_and_nowhere_larger_and_grow(data: st.DataObject) -> None:
    law = data.draw(st.sampled_from([law for law in all_laws() if {*FUNCTIONS} & {*law.functions}]))
    function = data.draw(st.sampled_from([name for name in FUNCTIONS if name in law.functions]))
    problem = data.draw(problems(function, EFFORTS["dev"], law.domain))
    before = 0
    for each in (each for shape in small_problems(problem, law.domain) for each in shape):
        assert law.domain.contains(each, function)
        assert all(each.sizes[name] <= size for name, size in problem.sizes.items())
        assert sum(each.sizes.values()) >= before
        before = sum(each.sizes.values())
    assert is_smallest(problem) == (sum(problem.sizes.values()) <= before)


def found(
    check: Callable[[Problem], bool], function: str = "rnn_forward", domain: Domain = ANY_DOMAIN
) -> Turn:
    """A finished turn of a law that fails on the problems on which `check` raises."""

    def fails(trial: Any) -> None:
        if check(trial.problem):
            raise AssertionError

    law = Law("a law", "spec", fails, (function,), domain, complete=True)
    store = Store(InMemoryExampleDatabase(), "my_rnn.py", "a law", function)
    turn = Turn(law, RIGHT, function, store, seed=0)
    with pytest.raises(AssertionError):
        turn.run()
    return turn


@pytest.mark.parametrize("least", [1, 2, 1 + MOST_EXCESS, 2 + MOST_EXCESS, 5])
def test_what_fails_on_something_small_fails_on_nothing_smaller(least: int) -> None:
    (problem,) = found(lambda problem: problem.m >= least).store
    assert problem.sizes == {"n_x": 1, "n_a": 1, "n_y": 1, "m": least, "T_x": 1}
    assert (problem.regime, problem.seed) == ("ternary", 0)


def test_what_fails_on_no_small_problem_but_one_stays_that() -> None:
    (problem,) = found(lambda problem: problem.sizes == dict.fromkeys(problem.sizes, 2)).store
    assert {*problem.sizes.values()} == {2}


def test_hypothesis_is_not_asked_where_something_small_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Turn, "search", lambda self: pytest.fail("searched"))
    found(lambda problem: problem.n_a > 1)


def test_the_sizes_of_a_fixed_problem_are_reduced() -> None:
    (problem,) = found(lambda problem: problem.T_x > 40).store
    assert problem.sizes == {"n_x": 1, "n_a": 1, "n_y": 1, "m": 1, "T_x": 41}
    (problem,) = found(lambda problem: problem.T_x > 40, "lstm_layer").store
    assert problem.sizes == {"n_x": 1, "n_a": 1, "m": 1, "T_x": 41, "L": 1, "D": 1}


def test_no_size_is_reduced_beyond_the_domain_of_the_law() -> None:
    two = Domain(directions=(2,))
    (problem,) = found(lambda problem: problem.T_x > 40, "rnn_layer", two).store
    assert (problem.sizes["D"], problem.T_x) == (2, 41)
