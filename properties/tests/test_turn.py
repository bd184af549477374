"""A turn ends when its time is up, and stores a failure at once."""

import math
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis.database import InMemoryExampleDatabase

from oracle.faults import Fault
from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.implementation import Implementation
from properties.implementations.loaded_facts import LoadedFacts
from properties.internals.hypothesis_internals import INDEPENDENT
from properties.strategies.domain import Domain
from properties.tests.one_law import InProcess
from properties.trials.law import Law
from properties.trials.retries import too_slow
from properties.trials.tally import Counts, NotJudgedError
from properties.turns.turn import TimeUpError, Turn
from reference.contract import CONTRACTS

RIGHT = InProcess(Fault("right", "none", "", {}))


def a_problem(n_a: int) -> Problem:
    return Problem.rnn(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)


def a_trial(problem: Problem) -> Any:
    return SimpleNamespace(problem=problem, contract=CONTRACTS["rnn_forward"], counts=Counts())


def holds(trial: Any) -> None: ...


def fails(trial: Any) -> None:
    raise AssertionError(f"at {trial.problem.n_a}")


def a_turn(check: Callable[[Any], None] = fails, end: float = math.inf, **options: Any) -> Turn:
    law = Law("a law", "spec", check, ("rnn_forward",), Domain())
    store = Store(InMemoryExampleDatabase(), "my_rnn.py", "a law", "rnn_forward")
    implementation = options.pop("implementation", cast(Implementation, None))
    turn = Turn(law, implementation, "rnn_forward", store, **options)
    turn.end = end
    return turn


def try_to_fail(turn: Turn, n_a: int) -> None:
    with pytest.raises(AssertionError):
        turn.check(a_trial(a_problem(n_a)))


def test_problems_are_counted_and_only_failures_are_stored() -> None:
    turn = a_turn(holds)
    for n_a in (3, 4):
        turn.check(a_trial(a_problem(n_a)))
    assert turn.tally.problems == 2
    assert not [*turn.store]
    turn.raise_failure()


def test_a_failure_is_stored_at_once_and_a_later_one_replaces_it() -> None:
    turn = a_turn()
    for n_a in (9, 5, 6):
        try_to_fail(turn, n_a)
        assert [*turn.store] == [a_problem(n_a)]


def test_no_problem_is_tried_when_the_time_is_up() -> None:
    turn = a_turn(holds, end=time.monotonic())
    turn.check(a_trial(a_problem(1)))  # the first problem is always tried
    with pytest.raises(TimeUpError):
        turn.check(a_trial(a_problem(1)))
    assert turn.tally.problems == 1
    turn.raise_failure()


def test_a_failure_is_shrunk_for_a_limited_time_and_then_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    processor = [5.0]
    monkeypatch.setattr("properties.turns.turn.time.process_time", lambda: processor[0])
    turn, before = a_turn(end=time.monotonic() + 3600), time.monotonic()
    try_to_fail(turn, 9)
    end = turn.end
    assert before <= end - Turn.PATIENCE * Turn.SHRINKING <= time.monotonic()
    processor[0] += Turn.SHRINKING - 1
    try_to_fail(turn, 5)
    assert turn.end == end
    processor[0] += 1
    with pytest.raises(TimeUpError):
        turn.check(a_trial(a_problem(1)))
    with pytest.raises(AssertionError, match="at 5"):
        turn.raise_failure()


def test_shrinking_ends_if_the_function_waits() -> None:
    now = [0.0]
    turn = a_turn(end=1.0)
    turn._clock = lambda: now[0]
    try_to_fail(turn, 9)
    now[0] += Turn.PATIENCE * Turn.SHRINKING
    with pytest.raises(TimeUpError):
        turn.check(a_trial(a_problem(1)))


def test_an_error_that_is_no_violation_names_its_problem() -> None:
    with pytest.raises(AssertionError) as error:
        a_turn().check(a_trial(a_problem(2)))
    assert error.value.__notes__ == [f"on {a_problem(2)!r}"]


def slow_from(n_a: int) -> Callable[[Any], None]:
    def check(trial: Any) -> None:
        if trial.problem.n_a >= n_a:
            raise too_slow(a_problem(n_a))

    return check


def test_problems_that_are_too_slow_are_left_out_and_counted() -> None:
    turn = a_turn(slow_from(5))
    for n_a in (3, 9, 4, 5):
        turn.check(a_trial(a_problem(n_a)))
    assert (turn.tally.problems, turn.tally.too_slow, turn.tally.tried) == (2, 2, 4)
    assert turn.tally.late == repr(a_problem(5))
    assert not [*turn.store]


def test_problems_of_a_function_that_crashes_too_often_are_left_out_and_counted() -> None:
    def hung(_: Any) -> None:
        raise NotJudgedError("it hung, and is not called any more")

    turn = a_turn(hung)
    turn.check(a_trial(a_problem(1)))
    assert (turn.tally.problems, turn.tally.not_asked) == (0, 1)
    assert [*turn.tally.notes] == ["it hung, and is not called any more"]


def test_problems_that_were_left_out_count_as_tried() -> None:
    turn = a_turn(slow_from(1), end=time.monotonic())
    turn.check(a_trial(a_problem(1)))
    with pytest.raises(TimeUpError):
        turn.check(a_trial(a_problem(1)))


@pytest.mark.parametrize("number", [1, None])
def test_a_law_is_skipped_if_no_problem_was_judged(number: int | None) -> None:
    turn = a_turn(slow_from(1), implementation=RIGHT, seed=number, only_problem=a_problem(1))
    with pytest.raises(pytest.skip.Exception, match="too slow beyond n_x=1, n_a=1"):
        turn.run()
    assert turn.tally.too_slow == 1


def test_fuzzing_tries_fixed_problems_first_and_then_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three searches draw independently."""
    turn, backends, now = a_turn(holds, implementation=RIGHT), list[str](), [0.0]
    turn._clock = lambda: now[0]
    monkeypatch.setattr(turn, "search", backends.append)
    turn.go_on(0.0)
    assert turn.record.problems == 1, "a turn without time tries one problem"
    turn.go_on(1.0)
    assert not backends or turn.record.problems > 5
    for _ in range(7 - len(backends)):
        turn.go_on(1.0)
    assert backends[:6] == ["hypothesis", INDEPENDENT, INDEPENDENT] * 2
    assert not turn.is_over
    turn.run()


def test_a_failure_on_a_fixed_problem_is_shrunk_and_ends_fuzzing() -> None:
    def beyond(trial: Any) -> None:
        if trial.problem.m > 2:
            raise AssertionError(f"at {trial.problem.m}")

    turn = a_turn(beyond, implementation=RIGHT)
    while not turn.is_over:
        turn.go_on(60.0)
    with pytest.raises(AssertionError, match="at 3"):
        turn.run()


def test_fuzzing_tries_all_stored_problems_even_without_time() -> None:
    def beyond(trial: Any) -> None:
        if trial.problem.n_a == 9:
            raise AssertionError("at 9")

    turn = a_turn(beyond, implementation=RIGHT)
    for n_a in (3, 4, 9):
        turn.store.add(a_problem(n_a))
    turn.go_on(0.0)
    assert turn.is_over
    assert [*turn.store] == [a_problem(9)]


def test_a_law_that_cannot_be_checked_ends_fuzzing_and_is_skipped() -> None:
    turn = a_turn(holds, implementation=InProcess(Fault("right", "none", "", {})))
    turn.implementation._loaded = LoadedFacts(functions={"lstm_forward": None})
    turn.go_on(1.0)
    assert turn.is_over
    with pytest.raises(pytest.skip.Exception, match="rnn_forward"):
        turn.run()


def test_a_stored_failure_that_is_too_slow_now_stays_in_the_store() -> None:
    turn = a_turn(slow_from(5), implementation=RIGHT)
    for n_a in (9, 3):
        turn.store.add(a_problem(n_a))
    turn._replay()
    assert [*turn.store] == [a_problem(9)]
