"""Retries calls that crash or exceed the time limit, and limits how often a function may crash."""

from collections.abc import Callable

from oracle.problem import Problem
from properties.implementations.call_history import CallHistory, Death
from properties.implementations.implementation import Died, Implementation, Raised, Returned
from properties.implementations.timeouts import Call, judge_late_call
from properties.strategies.cost import work

MOST_CRASHES = 60
"""The number of crashes after which a function is not called any more."""

MOST_CRASHES_OF_LAW = 10
"""The number of crashes after which one law is not checked any more."""

CRASHES_OF_HANG = 20
"""The number of crashes that a hang counts as."""


class NotJudgedError(Exception):
    """The law is not checked on a problem. If the function is too slow, `late` is a problem that shows it."""

    def __init__(self, reason: str, late: Problem | None = None) -> None:
        super().__init__(reason)
        self.late = late


def make_with_retries(
    call: Call, law: str, *, is_plain: bool, note: Callable[[str], None]
) -> Returned | Raised | Death:
    """Make a call for a law, with a retry.

    If it `is_plain`, the plain call of the problem, several laws use its reply, and a crash is not repeated.
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
    if is_plain and problem in history.deaths_by_problem:
        deaths.append(history.deaths_by_problem[problem])
        return deaths[-1]
    if exhausted:
        reason = next(death.died.reason for each in history.deaths_by_law.values() for death in each)
        raise NotJudgedError(f"it {reason}, and is not called any more")
    takes = work(problem, call.function)
    if takes >= history.speed * limit:
        raise too_slow(history.smallest_late or problem)
    reply = call.make()
    if not isinstance(reply, Died):
        history.answers = True
        return reply
    outcome = _retry(call, reply, history)
    if outcome is None:
        history.add_late(problem, takes, limit)
        raise too_slow(problem)
    if not isinstance(outcome, Death):
        note(f"{reply.reason}, and answered when it was called again")
        return outcome
    history.crashes += _crashes(outcome)
    deaths.append(outcome)
    if outcome.hangs_beyond:  # larger problems are left out
        history.add_late(outcome.problem, work(outcome.problem, call.function), limit)
    if is_plain:
        history.deaths_by_problem |= {problem: outcome, outcome.problem: outcome}
    return outcome


def _retry(call: Call, died: Died, history: CallHistory) -> Returned | Raised | Death | None:
    """The outcome after a retry. Only late calls and the first crash are retried."""
    if died.hung:
        return judge_late_call(call)
    if history.crashes:
        return Death(call.problem, died)
    history.crashes = 1
    again = call.make()
    return Death(call.problem, again) if isinstance(again, Died) else again


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
