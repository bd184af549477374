"""What is remembered of a function that has died or was late."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from oracle.problem import Problem
from properties.implementations.process import Died


@dataclass(frozen=True)
class Death:
    """What a function died of. It hangs `always`, or `beyond` a size where half of it is answered."""

    problem: Problem
    died: Died
    always: bool = False
    beyond: bool = False


@dataclass
class Record:
    """What a function died of, and how fast it is.

    `weight` says how much patience its deaths have cost. They are kept by the law that met them, and those of
    plain calls by their problem. Those that were late, of which `late` is the smallest, show that it does at
    most `speed` units of work in a second; what was `measured` is another thing, by calls in time. Whether it
    is `unfinished` is asked once.
    """

    weight: int = 0
    met: defaultdict[str, list[Death]] = field(default_factory=lambda: defaultdict(list))
    plain: dict[Problem, Death] = field(default_factory=dict)
    unfinished: bool | None = None
    answers: bool = False
    compiles: bool = False
    measured: float | None = None
    speed: float = math.inf
    late: Problem | None = None

    def was_late(self, problem: Problem, work: float, limit: float) -> None:
        """Keep in mind that a problem of so much work takes longer than the limit."""
        if work < self.speed * limit:
            self.speed, self.late = work / limit, problem
