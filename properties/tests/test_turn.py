"""A turn ends when its time is up, and what it has found is in the store whatever ends it."""

import math
import re
import time
from collections.abc import Callable
from itertools import combinations
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from oracle.faults import Fault
from oracle.problem import DType, Problem
from oracle.regimes import Regime
from properties.failure_database.store import Store
from properties.implementations.implementation import Arrangement, Implementation
from properties.strategies.domain import Domain
from properties.tests.one_law import InProcess
from properties.trials.law import Law
from properties.trials.retries import NotJudgedError, too_slow
from properties.trials.tally import Tally
from properties.turns.coverage_map import places, render
from properties.turns.turn import TimeUpError, Turn
from reference.contract import CONTRACTS, FUNCTIONS

RIGHT = InProcess(Fault("right", "none", "", {}))


def a_problem(n_a: int) -> Problem:
    return Problem.rnn(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)


def a_trial(
    problem: Problem, function: str = "rnn_forward", arrangements: frozenset[str] = frozenset()
) -> Any:
    return SimpleNamespace(problem=problem, contract=CONTRACTS[function], arrangements=arrangements)


def holds(trial: Any) -> None: ...


def fails(trial: Any) -> None:
    raise AssertionError(f"at {trial.problem.n_a}")


def a_turn(check: Callable[[Any], None] = fails, end: float = math.inf, **options: Any) -> Turn:
    law = Law("a law", "spec", ("rnn_forward",), check, Domain())
    store = Store(InMemoryExampleDatabase(), "my_rnn.py", "a law", "rnn_forward")
    implementation = options.pop("implementation", cast(Implementation, None))
    turn = Turn(law, implementation, "rnn_forward", store, Tally(), **options)
    turn.end = end
    return turn


def try_to_fail(turn: Turn, n_a: int) -> None:
    with pytest.raises(AssertionError):
        turn.attempt(a_trial(a_problem(n_a)))


def test_problems_are_counted_and_those_that_hold_are_not_stored() -> None:
    turn = a_turn(holds)
    for n_a in (3, 4):
        turn.attempt(a_trial(a_problem(n_a)))
    assert turn.tally.problems == 2
    assert turn.visited["n_a 3 to 30"] == 2
    assert not [*turn.store]
    turn.conclude()


def test_a_failure_is_stored_before_anything_else_happens_and_gives_way_to_a_later_one() -> None:
    turn = a_turn()
    for n_a in (9, 5, 6):
        try_to_fail(turn, n_a)
        assert [*turn.store] == [a_problem(n_a)]


def test_when_the_time_is_up_nothing_is_tried_any_more() -> None:
    turn = a_turn(holds, end=time.monotonic())
    turn.attempt(a_trial(a_problem(1)))  # the first, while a process may have started
    with pytest.raises(TimeUpError):
        turn.attempt(a_trial(a_problem(1)))
    assert turn.tally.problems == 1
    turn.conclude()


def test_when_it_is_stopped_not_even_a_first_is_tried() -> None:
    turn = a_turn()
    turn.stop()
    with pytest.raises(TimeUpError):
        turn.attempt(a_trial(a_problem(1)))
    assert turn.tally.problems == 0


def test_what_was_found_is_shrunk_for_a_while_and_then_raised() -> None:
    turn, before = a_turn(end=time.monotonic() + 3600), time.monotonic()
    try_to_fail(turn, 9)
    end = turn.end
    assert before <= end - Turn.SHRINKING <= time.monotonic()
    try_to_fail(turn, 5)
    assert turn.end == end
    turn.stop()
    with pytest.raises(TimeUpError):
        turn.attempt(a_trial(a_problem(1)))
    with pytest.raises(AssertionError, match="at 5"):
        turn.conclude()


def test_what_is_found_after_the_stop_is_not_shrunk() -> None:
    def stopped_meanwhile(trial: Any) -> None:
        turn.stop()
        fails(trial)

    turn = a_turn(stopped_meanwhile, end=time.monotonic() + 3600)
    try_to_fail(turn, 9)
    with pytest.raises(TimeUpError):
        turn.attempt(a_trial(a_problem(1)))
    assert [*turn.store] == [a_problem(9)]


def test_an_error_that_is_no_violation_says_on_which_problem() -> None:
    with pytest.raises(AssertionError) as error:
        a_turn().attempt(a_trial(a_problem(2)))
    assert error.value.__notes__ == [f"on {a_problem(2)!r}"]


def slow_from(n_a: int) -> Callable[[Any], None]:
    def check(trial: Any) -> None:
        if trial.problem.n_a >= n_a:
            raise too_slow(a_problem(n_a))

    return check


def test_what_is_too_slow_is_left_out_and_told() -> None:
    turn = a_turn(slow_from(5))
    for n_a in (3, 9, 4, 5):
        turn.attempt(a_trial(a_problem(n_a)))
    assert (turn.tally.problems, turn.tally.too_slow, turn.tally.tried) == (2, 2, 4)
    assert turn.tally.late == repr(a_problem(5))
    assert turn.visited["n_a 3 to 30"] == 2
    assert not [*turn.store]


def test_what_is_not_asked_any_more_is_left_out_and_told() -> None:
    def hung(_: Any) -> None:
        raise NotJudgedError("it hung, and is not called any more")

    turn = a_turn(hung)
    turn.attempt(a_trial(a_problem(1)))
    assert (turn.tally.problems, turn.tally.not_asked) == (0, 1)
    assert [*turn.tally.notes] == ["it hung, and is not called any more"]


def test_when_the_time_is_up_what_was_left_out_counts_as_tried() -> None:
    turn = a_turn(slow_from(1), end=time.monotonic())
    turn.attempt(a_trial(a_problem(1)))
    with pytest.raises(TimeUpError):
        turn.attempt(a_trial(a_problem(1)))


@pytest.mark.parametrize("number", [1, None])
def test_a_law_none_of_whose_problems_was_judged_has_not_passed(number: int | None) -> None:
    """In fuzzing there is another turn, and what came of all of them is known at the end."""
    turn = a_turn(slow_from(1), implementation=RIGHT, seed_number=number, only_problem=a_problem(1))
    skipped = ""
    try:
        turn.run()
    except pytest.skip.Exception as reason:
        skipped = str(reason)
    assert skipped.startswith("too slow beyond n_x=1, n_a=1" if number else "")
    assert bool(skipped) == bool(number)
    assert turn.tally.too_slow == 1


def test_what_failed_before_and_cannot_be_judged_now_is_not_forgotten() -> None:
    turn = a_turn(slow_from(5), implementation=RIGHT)
    for n_a in (9, 3):
        turn.store.add(a_problem(n_a))
    turn._replay()
    assert [*turn.store] == [a_problem(9)]


sizes = st.one_of(st.integers(0, 3), st.sampled_from([30, 31, 100, 101, 5000]))


@given(
    function=st.sampled_from(FUNCTIONS),
    problem=st.builds(
        Problem,
        kind=st.sampled_from(["rnn", "lstm"]),
        n_x=sizes,
        n_a=sizes,
        n_y=sizes,
        m=sizes,
        T_x=sizes,
        regime=st.sampled_from(get_args(Regime)),
        dtype=st.sampled_from(get_args(DType)),
    ),
    arrangements=st.frozensets(st.sampled_from(get_args(Arrangement))),
)
def test_the_map_has_a_place_for_everything(
    function: str, problem: Problem, arrangements: frozenset[str]
) -> None:
    found = [*places(a_trial(problem, function, arrangements))]
    names = [name for name in problem.sizes if name != "T_x" or not CONTRACTS[function].is_cell]
    equal = [
        f"{one} = {other}"
        for one, other in combinations(names, 2)
        if problem.sizes[one] == problem.sizes[other]
    ]
    assert [place for place in found if " = " in place] == equal
    assert [place.split()[0] for place in found[: len(names)]] == names
    assert {f"regime {problem.regime}", f"dtype {problem.dtype}"} <= {*found}
    assert {f"layout {each}" for each in arrangements} <= {*found}

    shown = render(dict.fromkeys(found, 7), width=200)
    assert shown.count("7") == len(found)
    for line in (f"{problem.regime}: 7", f"{problem.dtype}: 7", *(f"{pair}: 7" for pair in equal)):
        assert line in shown


@pytest.mark.parametrize(
    ("size", "extent"),
    [(0, "0"), (1, "1"), (2, "2"), (3, "3 to 30"), (30, "3 to 30"), (31, "31 to 100"), (101, "over 100")],
)
def test_a_size_is_where_it_belongs(size: int, extent: str) -> None:
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=size, T_x=1)
    assert f"m {extent}" in places(a_trial(problem))


@pytest.mark.parametrize("width", [80, 110])
def test_the_map_breaks_lines_between_entries(width: int) -> None:
    lines = render({"regime ternary": 123456, "n_x = n_a": 99}, width).splitlines()
    assert max(map(len, lines)) <= width
    entries = [entry for line in lines[-9:] if ":" in line for entry in line[10:].rstrip(",").split(", ")]
    assert [entry for entry in entries if not re.fullmatch(r"\S.*: \d+", entry)] == []
    assert "n_x = n_a: 99" in entries
