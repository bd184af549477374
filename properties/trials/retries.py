"""Retries of calls that crash or exceed the time limit, and the limit to how often a function may crash."""

from collections.abc import Callable

from oracle.problem import Problem
from properties.implementations.call_history import Death, Record
from properties.implementations.implementation import Died, Implementation, Outcome, Raised, Returned
from properties.implementations.timeouts import look_into
from properties.strategies.cost import work

PATIENCE = 60
"""The number of crashes after which a function is not called any more; a hang counts as 20 crashes."""

SHARE = 10
"""The number of crashes after which one law is not checked any more."""

HUNG = 20

Ask = Callable[[], Outcome]


class NotJudgedError(Exception):
    """The law is not checked on a problem. If the function is too slow, `late` is a problem that shows it."""

    def __init__(self, reason: str, late: Problem | None = None) -> None:
        super().__init__(reason)
        self.late = late


def ask_with_retries(
    implementation: Implementation,
    function: str,
    law: str,
    problem: Problem,
    ask: Ask,
    *,
    plainly: bool,
    note: Callable[[str], None],
) -> Returned | Raised | Death:
    """Call a function for a law, with a retry; a crash on a problem of other laws is not repeated.

    A law that has seen `SHARE` crashes fails by the one on the smallest problem. Raises `NotJudgedError` if
    the function is too slow, or if it has crashed `PATIENCE` times for other laws.
    """
    record = implementation.records[function]
    met = record.met[law]
    exhausted = record.weight >= PATIENCE
    if met and (exhausted or sum(map(_weight, met)) >= SHARE):
        return min(met, key=lambda death: sum(death.problem.sizes.values()))
    if plainly and problem in record.plain:
        met.append(record.plain[problem])
        return met[-1]
    if exhausted:
        reason = next(death.died.reason for deaths in record.met.values() for death in deaths)
        raise NotJudgedError(f"it {reason}, and is not asked any more")
    takes = work(problem, function)
    if takes >= record.speed * implementation.time_limit:
        raise too_slow(record.late or problem)
    reply = ask()
    if not isinstance(reply, Died):
        record.answers = True
        return reply
    outcome = _second_look(implementation, function, problem, ask, reply, record)
    if outcome is None:
        record.was_late(problem, takes, implementation.time_limit)
        raise too_slow(problem)
    if not isinstance(outcome, Death):
        note(f"{reply.reason}, and answered when it was asked again")
        return outcome
    record.weight += _weight(outcome)
    met.append(outcome)
    if outcome.beyond:  # others are asked for less
        record.was_late(outcome.problem, work(outcome.problem, function), implementation.time_limit)
    if plainly:
        record.plain |= {problem: outcome, outcome.problem: outcome}
    return outcome


def _second_look(
    implementation: Implementation, function: str, problem: Problem, ask: Ask, died: Died, record: Record
) -> Returned | Raised | Death | None:
    """The outcome of a second call, which is made after a call that was late, and after the first crash."""
    if died.hung:
        return look_into(implementation, function, problem, ask)
    if record.weight:
        return Death(problem, died)
    record.weight = 1
    again = ask()
    return Death(problem, again) if isinstance(again, Died) else again


def is_asked(implementation: Implementation, function: str, problem: Problem) -> bool:
    """Whether a function is called on a problem: not if it is known to crash there, or to be too slow."""
    record = implementation.records[function]
    return (
        record.weight < PATIENCE
        and problem not in record.plain
        and (record.late is None or work(problem, function) < record.speed * implementation.time_limit)
    )


def too_slow(problem: Problem) -> NotJudgedError:
    """The error for a problem that is left out, because this one is known to take too long."""
    sizes = ", ".join(f"{name}={size}" for name, size in problem.sizes.items())
    return NotJudgedError(f"too slow beyond {sizes}", problem)


def _weight(death: Death) -> int:
    """How many crashes a death counts as: `HUNG` for a hang, all that are allowed if every call hangs."""
    return PATIENCE if death.always else HUNG if death.died.hung else 1
