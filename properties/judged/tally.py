"""What a law counts while it runs."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What one law met while it ran: how many problems, and how near to the bound they came."""

    problems: int = 0
    not_meaningful: int = 0
    worst_ratio: float = 0.0
    worst_problem: str = ""
    notes: Counter[str] = field(default_factory=Counter)

    def measure(self, ratio: float, problem: object) -> None:
        """Keep the largest ratio of an error to its bound, and the problem that produced it."""
        if ratio > self.worst_ratio:
            self.worst_ratio, self.worst_problem = ratio, repr(problem)

    def clear(self) -> None:
        """Forget everything."""
        vars(self).update(vars(Tally()))
