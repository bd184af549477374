"""One model of what happened; the closing table and the reports are views of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["passed", "failed", "skipped"]


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


@dataclass(frozen=True)
class LawResult:
    """How one law fared on one function of one implementation."""

    implementation: str
    law: str
    grade: str
    function: str
    status: Status
    seconds: float
    message: str
    problems: int = 0
    not_meaningful: int = 0
    worst_ratio: float = 0.0
    worst_problem: str = ""
    notes: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, tally: Tally, **given: Any) -> "LawResult":
        """The result of a law whose run left this tally."""
        return cls(**given, **{**vars(tally), "notes": dict(tally.notes)})
