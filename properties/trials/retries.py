"""Retries calls that crash or exceed the time limit, and limits how often a function may crash."""

from collections.abc import Callable
from dataclasses import dataclass

from oracle.problem import Problem
from properties.implementations.call_history import Death
from properties.implementations.implementation import Died, Implementation, Outcome, Raised, Returned
from properties.implementations.timeouts import judge_late_call
from properties.strategies.cost import work
from properties.trials.tally import NotJudgedError

MOST_CRASHES = 60
"""The number of crashes after which a function is not called any more."""

MOST_CRASHES_OF_LAW = 10
"""The number of crashes after which one law is not checked any more."""

CRASHES_OF_HANG = 20
"""The number of crashes that a hang counts as."""


@dataclass(frozen=True)
class Call:
    """A call of a function on a problem, or on arguments that are made from the problem; `make` makes it.

    If it `is_plain`, the plain call of the problem, several laws use its reply, and a crash is not repeated.
    """

    implementation: Implementation
    function: str
    problem: Problem
    make: Callable[[], Outcome]
    is_plain: bool


def outcome(call: Call, law: str, note: Callable[[str], None]) -> Returned | Raised | Death:
    """Make a call for a law, with a retry.

    A law with `MOST_CRASHES_OF_LAW` crashes fails by the one on the smallest problem. `note` gets a line if
    the retry is answered. Raises `NotJudgedError` if the function is too slow, or has crashed `MOST_CRASHES`
    times for other laws.
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
    if takes >= history.speed * limit:
        raise too_slow(history.smallest_late or problem)
    died = call.make()
    if not isinstance(died, Died):
        history.answers = True
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


def is_called(implementation: Implementation, function: str, problem: Problem) -> bool:
    """Whether a function is called on a problem: not if it is known to crash there, or to be too slow."""
    history = implementation.histories[function]
    return (
        history.crashes < MOST_CRASHES
        and problem not in history.deaths_by_problem
        and (
            history.smallest_late is None
            or work(problem, function) < history.speed * implementation.settings.time_limit
        )
    )


def too_slow(problem: Problem) -> NotJudgedError:
    """The error for a problem that is left out because `problem` is known to take too long."""
    sizes = ", ".join(f"{name}={size}" for name, size in problem.sizes.items())
    return NotJudgedError(f"too slow beyond {sizes}", problem)


def _crashes(death: Death) -> int:
    """The number of crashes that a death counts as: all that are allowed if every call hangs."""
    return MOST_CRASHES if death.hangs_always else CRASHES_OF_HANG if death.died.hung else 1
