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

from oracle.problems.problem import LayerProblem, Problem
from properties.implementations.calls import Death, Died, Outcome, Raised, Returned
from properties.implementations.implementation import Implementation
from properties.strategies.effort import work
from properties.trials.tally import NotJudgedError

MOST_CRASHES = 60
"""The number of crashes after which a function is not called any more."""

MOST_CRASHES_OF_LAW = 10
"""The number of crashes after which a law makes no more calls of a function."""

CRASHES_OF_HANG = 20
"""A hang counts as this many crashes."""

SLACK = 10
"""A call counts as hung only if it takes this many times as long as its size predicts."""


@dataclass(frozen=True)
class Call:
    """A call of a function on a problem, or on arguments that a law makes from the problem.

    `make` makes the call. `is_plain` says that the arguments are exactly those of the problem. Several laws
    use the reply to a plain call, so if it crashes, the call is not made again for another law.
    """

    implementation: Implementation
    function: str
    problem: Problem
    make: Callable[[], Outcome]
    is_plain: bool


def call_with_retry(call: Call, law: str, note: Callable[[str], None]) -> Returned | Raised | Death:
    """Make a call for a law, and retry a call that hangs, and the first call that crashes.

    If the law has caused `MOST_CRASHES_OF_LAW` crashes, no call is made, and the death on the smallest
    problem is returned. `note` gets a line if the retry is answered. Raises `NotJudgedError` if the function
    is too slow, or has crashed `MOST_CRASHES` times for other laws.
    """
    implementation, problem = call.implementation, call.problem
    limit = implementation.settings.time_limit
    history = implementation.histories[call.function]
    deaths = history.deaths_by_law[law]
    is_exhausted = history.crashes >= MOST_CRASHES
    if deaths and (is_exhausted or sum(map(_crashes, deaths)) >= MOST_CRASHES_OF_LAW):
        return min(deaths, key=lambda death: sum(death.problem.sizes.values()))
    if call.is_plain and problem in history.deaths_by_problem:
        deaths.append(history.deaths_by_problem[problem])
        return deaths[-1]
    if is_exhausted:
        reason = next(death.died.reason for each in history.deaths_by_law.values() for death in each)
        raise NotJudgedError(f"it {reason}, and is not called any more")
    problem_work = work(problem, call.function)
    if problem_work >= history.most_speed * limit:
        raise too_slow(history.smallest_late or problem)
    outcome = call.make()
    if not isinstance(outcome, Died):
        history.answered_work = max(history.answered_work, problem_work)
        return outcome
    retried: Returned | Raised | Death | None = Death(problem, outcome)
    if outcome.hung:
        retried = retry_late_call(call)
    elif not history.crashes:  # only the first crash is retried
        history.crashes = 1
        second = call.make()
        retried = Death(problem, second) if isinstance(second, Died) else second
    if retried is None:
        history.add_late(problem, problem_work, limit)
        raise too_slow(problem)
    if not isinstance(retried, Death):
        note(f"{outcome.reason}, and answered when it was called again")
        return retried
    history.crashes += _crashes(retried)
    deaths.append(retried)
    if retried.hangs_beyond:  # larger problems are left out
        history.add_late(retried.problem, work(retried.problem, call.function), limit)
    if call.is_plain:
        history.deaths_by_problem |= {problem: retried, retried.problem: retried}
    return retried


def may_be_called(implementation: Implementation, function: str, problem: Problem) -> bool:
    """Whether a function may be called on a problem: not if it crashed on it or too often, or is too slow."""
    history = implementation.histories[function]
    return (
        history.crashes < MOST_CRASHES
        and problem not in history.deaths_by_problem
        and work(problem, function) < history.most_speed * implementation.settings.time_limit
    )


def too_slow(late: Problem) -> NotJudgedError:
    """The error for a problem that is left out because the call on the problem `late` took too long."""
    sizes = ", ".join(f"{name}={size}" for name, size in late.sizes.items())
    return NotJudgedError(f"too slow beyond {sizes}", late)


def _crashes(death: Death) -> int:
    return MOST_CRASHES if death.hangs_always else CRASHES_OF_HANG if death.died.hung else 1


def retry_late_call(call: Call) -> Returned | Raised | Death | None:
    """Call the function on smaller versions of the problem of a late call, and then make the call again.

    Returns the reply, or the death on the smallest version on which the function hangs or crashes, or `None`
    if the function is too slow for the problem.
    """
    implementation, function, problem = call.implementation, call.function, call.problem
    limit = implementation.settings.time_limit
    time_limit = implementation.settings.import_time_limit if implementation.may_compile else limit
    versions = smaller_versions(problem)
    predicted = 0.0  # the longest time that the first call on the next version may take
    for version, larger in pairwise([*versions, problem]):
        arguments = version.arguments(function)
        reply = implementation.call(function, arguments, time_limit=time_limit)
        first_seconds = implementation.slowest_seconds
        if isinstance(reply, Died):
            break
        implementation.call(function, arguments, time_limit=limit)
        seconds = implementation.slowest_seconds
        growth = _size(larger) / _size(version)
        growth *= max(growth, SLACK)
        if growth * seconds > limit:
            return None
        predicted = growth * first_seconds
        is_compiled = first_seconds - seconds > max(limit / SLACK, SLACK * seconds)
        implementation.histories[function].compiles |= is_compiled
        time_limit = implementation.limit(function)
    else:
        version, reply = problem, call.make()
    if not isinstance(reply, Died):
        return reply
    if reply.hung and predicted > time_limit:
        return None
    if version is versions[0] and reply.hung:
        return Death(problem, reply, hangs_always=True)
    return Death(version, reply, hangs_beyond=reply.hung and _halved(version) in versions[1:])


def _size(problem: Problem) -> float:
    """The product of the sizes, except n_y, with which the time of a call may grow."""
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
