"""Retries calls that crash or exceed the time limit, and limits how often a function may crash.

A function that exceeds the limit is slow or hangs. It is called on smaller versions of the problem: the
smallest possible one, then versions whose sizes double from one to the next. If a version is g times as large
as the version before it, it may take max(g², 10 g) times as long. The function is too slow if this predicted
time exceeds the limit. It hangs if it exceeds the limit on the smallest version, or on one for which a
shorter time is predicted. Each version is called twice, because the first call may compile; a function that
compiles gets the time limit of an import.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

from oracle.problem import LayerProblem, Problem
from properties.implementations.calls import Death, Died, Outcome, Raised, Returned
from properties.implementations.implementation import Implementation
from properties.strategies.effort import work
from properties.trials.tally import NotJudgedError

MOST_CRASHES = 60
"""The number of crashes after which a function is not called any more."""

MOST_CRASHES_OF_LAW = 10
"""The number of crashes after which one law is not checked any more."""

CRASHES_OF_HANG = 20
"""The number of crashes that a hang counts as."""

SLACK = 10
"""A call counts as hung only if it takes this many times as long as its size predicts."""


@dataclass(frozen=True)
class Call:
    """A call of a function on a problem, or on arguments that are made from the problem; `make` makes it.

    `is_plain` says that the arguments are those of the problem, unchanged: several laws use the reply, so
    after a crash the call is not made again.
    """

    implementation: Implementation
    function: str
    problem: Problem
    make: Callable[[], Outcome]
    is_plain: bool


def call_with_retry(call: Call, law: str, note: Callable[[str], None]) -> Returned | Raised | Death:
    """Make a call for a law, with a retry.

    After `MOST_CRASHES_OF_LAW` crashes a law makes no more calls, and fails with the crash on the smallest
    problem. `note` gets a line if the retry is answered. Raises `NotJudgedError` if the function is too slow,
    or has crashed `MOST_CRASHES` times for other laws.
    """
    implementation, problem = call.implementation, call.problem
    limit = implementation.settings.time_limit
    history = implementation.histories[call.function]
    deaths = history.deaths_by_law[law]
    exhausted = history.crashes >= MOST_CRASHES
    if deaths and (exhausted or sum(map(_crashes, deaths)) >= MOST_CRASHES_OF_LAW):
        return min(deaths, key=lambda death: sum(death.problem.sizes.values()))
    if call.is_plain and problem in history.deaths_by_problem:
        deaths.append(history.deaths_by_problem[problem])
        return deaths[-1]
    if exhausted:
        reason = next(death.died.reason for each in history.deaths_by_law.values() for death in each)
        raise NotJudgedError(f"it {reason}, and is not called any more")
    takes = work(problem, call.function)
    if takes >= history.most_speed * limit:
        raise too_slow(history.smallest_late or problem)
    died = call.make()
    if not isinstance(died, Died):
        history.answered_work = max(history.answered_work, takes)
        return died
    retried: Returned | Raised | Death | None = Death(problem, died)
    if died.hung:
        retried = judge_late_call(implementation, call.function, problem, call.make)
    elif not history.crashes:  # only the first crash is retried
        history.crashes = 1
        again = call.make()
        retried = Death(problem, again) if isinstance(again, Died) else again
    if retried is None:
        history.add_late(problem, takes, limit)
        raise too_slow(problem)
    if not isinstance(retried, Death):
        note(f"{died.reason}, and answered when it was called again")
        return retried
    history.crashes += _crashes(retried)
    deaths.append(retried)
    if retried.hangs_beyond:  # larger problems are left out
        history.add_late(retried.problem, work(retried.problem, call.function), limit)
    if call.is_plain:
        history.deaths_by_problem |= {problem: retried, retried.problem: retried}
    return retried


def may_be_called(implementation: Implementation, function: str, problem: Problem) -> bool:
    """Whether a function is called on a problem: not if it is known to crash there, or to be too slow."""
    history = implementation.histories[function]
    return (
        history.crashes < MOST_CRASHES
        and problem not in history.deaths_by_problem
        and (
            history.smallest_late is None
            or work(problem, function) < history.most_speed * implementation.settings.time_limit
        )
    )


def too_slow(problem: Problem) -> NotJudgedError:
    """The error for a problem that is left out because `problem` is known to take too long."""
    sizes = ", ".join(f"{name}={size}" for name, size in problem.sizes.items())
    return NotJudgedError(f"too slow beyond {sizes}", problem)


def _crashes(death: Death) -> int:
    """The number of crashes that a death counts as: all that are allowed if every call hangs."""
    return MOST_CRASHES if death.hangs_always else CRASHES_OF_HANG if death.died.hung else 1


def judge_late_call(
    implementation: Implementation, function: str, problem: Problem, make: Callable[[], Outcome]
) -> Returned | Raised | Death | None:
    """Repeat a late call, which `make` makes. Returns its reply, a death, or `None` if it is too slow.

    The death is the one on the smallest version of the problem that exceeds the limit.
    """
    limit = implementation.settings.time_limit
    allowed = implementation.settings.import_time_limit if implementation.may_compile else limit
    versions = smaller_versions(problem)
    most = 0.0  # the longest that a first call of the next version may take
    for version, following in pairwise([*versions, problem]):
        arguments = version.arguments(function)
        reply = implementation.call(function, arguments, time_limit=allowed)
        first_took = implementation.slowest_seconds
        if isinstance(reply, Died):
            break
        implementation.call(function, arguments, time_limit=limit)
        took = implementation.slowest_seconds
        growth = _size(following) / _size(version)
        growth *= max(growth, SLACK)
        if growth * took > limit:
            return None
        most = growth * first_took
        implementation.histories[function].compiles |= first_took - took > max(limit / SLACK, SLACK * took)
        allowed = implementation.limit(function)
    else:
        version, reply = problem, make()
    if not isinstance(reply, Died):
        return reply
    if reply.hung and most > allowed:
        return None
    if version is versions[0]:
        return Death(problem, reply, hangs_always=reply.hung)
    return Death(version, reply, hangs_beyond=reply.hung and _halved(version) in versions[1:])


def _size(problem: Problem) -> float:
    """The product of all sizes but n_y, with which the cost may grow."""
    sizes: list[int] = [getattr(problem, name) for name in problem.free_sizes if name != "n_y"]
    return math.prod(max(size, 1) for size in sizes)


def smaller_versions(problem: Problem) -> Sequence[Problem]:
    """The smallest possible problem, then this problem with its sizes halved repeatedly, in rising order."""
    halves = [problem]
    while (half := _halved(halves[-1])) != halves[-1]:
        halves.append(half)
    kind: Any = LayerProblem if isinstance(problem, LayerProblem) else partial(Problem, n_y=1)
    return [kind(problem.kind, n_x=1, n_a=1, m=1, T_x=1), *reversed(halves[1:])]


def _halved(problem: Problem) -> Problem:
    sizes: dict[str, Any] = {name: (getattr(problem, name) + 1) // 2 for name in problem.free_sizes}
    if isinstance(problem, LayerProblem) and not problem.weights:
        sizes["n_p"] = min(problem.n_p, sizes["n_a"])
    return replace(problem, **sizes)
