"""What a law counts while it runs."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What one law met while it ran: how many problems, and how near to the bound they came.

    Not counted among the problems are those for which the function is `too_slow`, the smallest that shows it
    being `late`, and those that were `not_asked` for it had died too often.
    """

    problems: int = 0
    not_meaningful: int = 0
    too_slow: int = 0
    late: str = ""
    not_asked: int = 0
    worst_ratio: float = 0.0
    worst_problem: str = ""
    notes: Counter[str] = field(default_factory=Counter)

    def measure(self, ratio: float, problem: object) -> None:
        """Keep the largest ratio of an error to its bound, and the problem that produced it."""
        if ratio > self.worst_ratio:
            self.worst_ratio, self.worst_problem = ratio, repr(problem)

    def leave_out(self, late: object | None, reason: str) -> None:
        """Count a problem that was tried as one that was not judged; `late` shows that it is too slow."""
        self.problems -= 1
        if late is None:
            self.not_asked += 1
            self.notes[reason] += 1
        else:
            self.too_slow += 1
            self.late = repr(late)

    @property
    def tried(self) -> int:
        """All problems, those that were left out too."""
        return self.problems + self.too_slow + self.not_asked

    def clear(self) -> None:
        """Forget everything."""
        vars(self).update(vars(Tally()))
