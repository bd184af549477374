"""Patience with a function that dies or is late: how often it is asked, and for which law a death counts."""

from collections.abc import Callable

from oracle.problem import Problem
from properties.implementations.call_history import Death, Record
from properties.implementations.implementation import Died, Implementation, Outcome, Raised, Returned
from properties.implementations.timeouts import look_into
from properties.strategies.cost import work

PATIENCE = 60
"""How often a function may crash before it is not called any more; to hang counts as 20 crashes."""

SHARE = 10
"""How often it may crash for one law."""

HUNG = 20

Ask = Callable[[], Outcome]


class NotJudgedError(Exception):
    """A problem is left out. If that is because the function is too slow, `late` is one that shows it."""

    def __init__(self, reason: str, late: Problem | None = None) -> None:
        super().__init__(reason)
        self.late = late


def ask_patiently(
    implementation: Implementation,
    function: str,
    law: str,
    problem: Problem,
    ask: Ask,
    *,
    plainly: bool,
    note: Callable[[str], None],
) -> Returned | Raised | Death:
    """What comes of asking a function on a problem for a law; that it dies of a problem is asked once.

    A law that has met enough deaths fails by the smallest of them. One that has met none is not judged any
    more where others have used up all patience. Raises `NotJudgedError` for this and where it is too slow.
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
    """What comes of it when it is asked again, as it is where it was late, or died for the first time."""
    if died.hung:
        return look_into(implementation, function, problem, ask)
    if record.weight:
        return Death(problem, died)
    record.weight = 1
    again = ask()
    return Death(problem, again) if isinstance(again, Died) else again


def is_asked(implementation: Implementation, function: str, problem: Problem) -> bool:
    """Whether a function is asked on a problem: of others it is known that it dies, or is too slow."""
    record = implementation.records[function]
    return (
        record.weight < PATIENCE
        and problem not in record.plain
        and (record.late is None or work(problem, function) < record.speed * implementation.time_limit)
    )


def too_slow(problem: Problem) -> NotJudgedError:
    """That a problem is left out, where this one is known to take too long."""
    sizes = ", ".join(f"{name}={size}" for name, size in problem.sizes.items())
    return NotJudgedError(f"too slow beyond {sizes}", problem)


def _weight(death: Death) -> int:
    """The patience that a death costs: to hang costs as much as many crashes, to hang always all there is."""
    return PATIENCE if death.always else HUNG if death.died.hung else 1
