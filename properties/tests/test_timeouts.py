"""A function that exceeds the time limit hangs or is slow. Only the calls in this file advance the clock."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.problem import Problem
from properties.implementations.answers import Answers
from properties.implementations.calls import CallHistory, Death, Died, Raised, Reply, Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.strategies.drawn_problems import problems
from properties.strategies.effort import EFFORTS, work
from properties.trials.retries import (
    Call,
    call_with_retry,
    retry_late_call,
    smaller_versions,
)
from properties.trials.tally import NotJudgedError
from reference.contract import CONTRACTS, FUNCTIONS

LIMIT, IMPORT_LIMIT = 5.0, 20.0
FUZZ = EFFORTS["fuzz"]
Sizes = tuple[int, int, int, int]
"""`n_x`, `n_a`, `m`, `T_x`"""


class Timed:
    """An implementation whose calls take a given time, and the first call of each shape more."""

    settings = Settings(time_limit=LIMIT, import_time_limit=IMPORT_LIMIT)

    def __init__(
        self, seconds: Callable[[Sizes], float], compiling: float = 0.0, may_compile: bool = False
    ) -> None:
        self.histories: defaultdict[str, CallHistory] = defaultdict(CallHistory)
        self.slowest_seconds = 0.0
        self.may_compile = may_compile
        self.clock = 0.0
        self.late: list[Sizes] = []
        self._seconds = seconds
        self._compiling = compiling
        self._compiled: set[Sizes] = set()

    limit = Implementation.limit

    def call(self, function: str, arguments: Any, *, time_limit: float | None = None) -> Returned | Died:
        x, a0, *_ = arguments
        sizes = (x.shape[0], a0.shape[0], x.shape[1], 1 if x.ndim == 2 else x.shape[2])
        limit = time_limit or self.limit(function)  # type: ignore[misc]
        seconds = self._seconds(sizes) + (0 if sizes in self._compiled else self._compiling)
        self.slowest_seconds = min(seconds, limit)
        self.clock += self.slowest_seconds
        if seconds > limit:
            self.late.append(sizes)
            self._compiled.clear()  # a new process has compiled nothing
            return Died("late", hung=True)
        self._compiled.add(sizes)
        return Returned(None, [], False)


def look(implementation: Any, problem: Problem, function: str) -> Returned | Raised | Death | None:
    make = partial(implementation.call, function, problem.arguments(function))
    return retry_late_call(Call(implementation, function, problem, make, is_plain=True))


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, Problem]:
    function = draw(st.sampled_from(FUNCTIONS))
    return function, draw(problems(function, FUZZ))


@given(questions())
def test_versions_grow_from_the_smallest_to_a_half(asked: tuple[str, Problem]) -> None:
    problem = asked[1]
    sizes = [[*version.sizes.values()] for version in (*smaller_versions(problem), problem)]
    assert max(sizes[0]) == 1
    for smaller, larger in pairwise(sizes[1:]):
        assert smaller == [(size + 1) // 2 for size in larger]


@given(
    questions(),
    st.integers(1, 2).flatmap(lambda most: st.tuples(*[st.integers(0, most)] * 4)).filter(any),
    st.floats(0, 1),
    st.floats(0, 0.01),
)
def test_a_function_whose_cost_grows_with_some_sizes_is_slow_and_does_not_hang(
    asked: tuple[str, Problem], powers: Sizes, part: float, fixed: float
) -> None:
    """The cost grows with sizes or their squares, with and without a constant cost."""
    function, problem = asked

    def grown(sizes: Sizes) -> float:
        cost = 1.0
        for size, power in zip(sizes, powers, strict=True):
            cost *= size**power
        return cost

    inputs = problem.inputs(function)
    whole = grown((problem.n_x, problem.n_a, problem.m, inputs.x.shape[2]))
    if whole < 1010:
        return  # the smallest problem would take long
    lateness = 1.01 * (whole / 1010) ** part
    implementation = Timed(lambda sizes: fixed + lateness * LIMIT * grown(sizes) / whole)
    assert look(implementation, problem, function) is None
    if max(powers) == 1:  # the first versions show that the function is slow
        assert implementation.clock < LIMIT / 2


@given(questions(), st.floats(0, 1), st.floats(0, 0.01))
def test_a_hang_from_a_size_on_is_shown_at_less_than_twice_that_size(
    asked: tuple[str, Problem], part: float, seconds: float
) -> None:
    function, problem = asked
    problem = replace(problem, n_a=problem.n_a + 1)
    least = 2 + int(part * (problem.n_a - 2))
    came = look(Timed(lambda sizes: 1e9 if sizes[1] >= least else seconds), problem, function)
    assert isinstance(came, Death)
    assert not came.hangs_always
    assert least <= came.problem.n_a < 2 * least
    assert came.hangs_beyond


@given(questions(), st.booleans())
def test_one_more_late_call_shows_a_function_that_always_hangs(
    asked: tuple[str, Problem], may_compile: bool
) -> None:
    function, problem = asked
    implementation = Timed(lambda _: 1e9, may_compile=may_compile)
    assert look(implementation, problem, function) == Death(problem, Died("late"), hangs_always=True)
    assert len(implementation.late) == 1
    assert implementation.clock == (IMPORT_LIMIT if may_compile else LIMIT)


@given(questions(), st.floats(LIMIT, IMPORT_LIMIT - 1))
def test_a_function_that_compiles_gets_the_time_limit_of_an_import(
    asked: tuple[str, Problem], compiling: float
) -> None:
    function, problem = asked
    implementation = Timed(lambda _: 0.001, compiling, may_compile=True)
    assert isinstance(look(implementation, problem, function), Returned)
    assert implementation.limit(function) == IMPORT_LIMIT  # type: ignore[misc]


def test_a_function_that_compiles_longer_and_longer_does_not_hang() -> None:
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=3000)
    seen = set[Sizes]()

    def seconds(sizes: Sizes) -> float:
        compiling = 0.0 if sizes in seen else 0.05 * sizes[3]
        seen.add(sizes)
        return 0.001 + compiling

    assert look(Timed(seconds, may_compile=True), problem, "rnn_forward") is None


def test_a_crash_of_a_smaller_version_is_the_outcome() -> None:
    class Dies(Timed):
        def call(self, function: str, arguments: Any, **how: Any) -> Any:
            return Died("crashed") if arguments[0].shape[2] == 5 else super().call(function, arguments, **how)

    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=20)
    came = look(Dies(lambda _: 0.001), problem, "rnn_forward")
    assert isinstance(came, Death)
    assert (came.died.reason, came.problem.T_x) == ("crashed", 5)


@given(questions())
def test_the_death_of_the_smallest_version_is_told_of_that_version(asked: tuple[str, Problem]) -> None:
    class Dies(Timed):
        def call(self, function: str, arguments: Any, **how: Any) -> Any:
            return Died("crashed")

    function, problem = asked
    assert look(Dies(lambda _: 0.001), problem, function) == Death(
        smaller_versions(problem)[0], Died("crashed")
    )


@given(questions(), questions(), st.floats(1.01, 100))
def test_a_slow_function_is_not_called_on_as_much_work_again(
    late: tuple[str, Problem], other: tuple[str, Problem], lateness: float
) -> None:
    function, problem = late
    per_work = lateness * LIMIT / work(problem, function)
    if work(problem, function) < 1e6 * lateness:
        return  # the smallest problem would take long
    implementation: Any = Timed(lambda _: 0)

    def ask(problem: Problem) -> Any:
        def call() -> Any:
            implementation._seconds = lambda sizes: (
                per_work
                * work(
                    Problem(
                        problem.kind, n_x=sizes[0], n_a=sizes[1], n_y=problem.n_y, m=sizes[2], T_x=sizes[3]
                    ),
                    function,
                )
            )
            return implementation.call(function, problem.arguments(function))

        made = Call(implementation, function, problem, call, is_plain=True)
        return call_with_retry(made, "shapes", lambda _: None)

    with pytest.raises(NotJudgedError) as caught:
        ask(problem)
    assert caught.value.late == problem
    if CONTRACTS[other[0]].kind == problem.kind:
        clock = implementation.clock
        if work(other[1], function) >= work(problem, function):
            with pytest.raises(NotJudgedError):
                ask(other[1])
            assert implementation.clock == clock


@given(st.floats(1e-9, 1e-6), st.floats(0, 0.1), st.floats(0, 2))
def test_the_affordable_work_follows_the_speed(per_work: float, fixed: float, compiling: float) -> None:
    """For large calls, a constant time of each call and a long first call matter less."""
    function, took = "rnn_forward", iter((compiling, 0.0, 0.0, 0.0, 0.0, 0.0))

    class Answering(Timed):
        def reply_each(self, requests: Any) -> list[Reply]:
            self.slowest_seconds = fixed + next(took) + per_work * amount
            return [Reply(Returned(None, [], False)) for _ in requests]

    implementation: Any = Answering(lambda _: 0)
    history = implementation.histories[function]
    assert history.affordable_work(1.0) == float("inf")  # no call was answered yet
    for T_x in (1, 10, 100, 1000, 4000):
        problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=T_x)
        amount = work(problem, function)
        Answers.to_one(implementation, function, problem).reply(0)
    assert history.affordable_work(1.0) * (per_work + fixed / amount) == pytest.approx(1)
