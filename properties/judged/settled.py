"""What is settled: a law that has been checked against certain replies says the same of them to everybody.

Many write the same program, and their functions reply alike to the last bit. Whether a law holds of a problem
depends on nothing but the replies, so where it has held, and all replies come again, nothing is computed.
"""

from dataclasses import dataclass
from typing import Any

from properties.judged.trial import Request, Trial
from properties.worker.ours import REFERENCE

KEPT = 2**17
"""How many requests and outcomes are kept; they take 300 bytes each, and one program has some 15,000."""


@dataclass(slots=True)
class _Course:
    """What is asked next, and where each reply leads; at the end, what the law has left in the tally."""

    request: Request | None = None
    after: "dict[bytes, _Course] | None" = None
    ratio: float = 0.0
    not_meaningful: int = 0
    notes: tuple[str, ...] = ()


class Settled:
    """What laws have asked on which problems when they held, and what was replied."""

    def __init__(self) -> None:
        self._courses: dict[Any, _Course] = {}
        self._size = 0

    def holds(self, trial: Trial) -> bool:
        """Ask what was asked when the law held of this problem; whether all replies are ones that came then.

        Then the trial has left in the tally what it did.
        """
        course = self._courses.get(_key(trial))
        while course and course.request:
            course = (course.after or {}).get(trial.ask(course.request))
        if not course:
            trial.replies.clear()
            return False
        trial.measure(course.ratio)
        trial.tally.not_meaningful += course.not_meaningful
        for note in course.notes:
            trial.note(note)
        return True

    def keep(self, trial: Trial, not_meaningful: int) -> None:
        """That the law has held of what was replied in a trial."""
        if not all(digest for _, digest in trial.replies):
            return
        if self._size >= KEPT:
            self._courses.clear()
            self._size = 0
        self._size += 1 + len(trial.replies)
        course = self._courses.setdefault(_key(trial), _Course())
        for request, digest in trial.replies:
            course.request, course.after = request, course.after or {}
            course = course.after.setdefault(digest, _Course())
        course.ratio, course.not_meaningful = trial.worst_ratio, not_meaningful
        course.notes = tuple(trial.notes)


SETTLED = Settled()


def _key(trial: Trial) -> Any:
    implementation = trial.implementation  # of which ours is held to more
    name, is_ours = trial.contract.name, implementation.target == REFERENCE
    return trial.check, name, trial.problem, implementation.limits, is_ours
