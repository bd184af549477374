"""Counts the problems on which a law was checked, and those that were left out."""

from collections import Counter
from dataclasses import dataclass, field

from oracle.problems.problem import Problem


class NotJudgedError(Exception):
    """The law is not checked on a problem. `late` is a problem that took too long, if that is the reason."""

    def __init__(self, reason: str, late: Problem | None = None) -> None:
        super().__init__(reason)
        self.late = late


@dataclass
class Counts:
    """What a trial counts: the largest error as a fraction of its bound, and notes.

    A trial is not meaningful if the bound was too large to judge by.
    """

    worst_ratio: float = 0.0
    is_meaningful: bool = True
    notes: list[str] = field(default_factory=list)


@dataclass
class Tally:
    """The number of problems on which a law was checked, and the largest error.

    `problems` does not count problems for which the function is `too_slow`, nor problems that were
    `not_asked` because the function had crashed too often. `late` is the last problem that took too long.
    """

    problems: int = 0
    not_meaningful: int = 0
    too_slow: int = 0
    late: str = ""
    not_asked: int = 0
    worst_ratio: float = 0.0
    worst_problem: str = ""
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, counts: Counts, problem: Problem) -> None:
        """Add the counts of a trial on a problem."""
        self.not_meaningful += not counts.is_meaningful
        self.notes.update(counts.notes)
        if counts.worst_ratio > self.worst_ratio:
            self.worst_ratio, self.worst_problem = counts.worst_ratio, repr(problem)

    def leave_out(self, error: NotJudgedError) -> None:
        """Count the current problem as not judged."""
        self.problems -= 1
        if error.late is None:
            self.not_asked += 1
            self.notes[str(error)] += 1
        else:
            self.too_slow += 1
            self.late = repr(error.late)

    @property
    def tried(self) -> int:
        """The number of all problems, including those that were left out."""
        return self.problems + self.too_slow + self.not_asked
