"""Remembers how a function has died, and how fast it is."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from oracle.problem import Problem
from properties.implementations.process import Died


@dataclass(frozen=True)
class Death:
    """A death of a function on a problem.

    The function `hangs_always`, or it `hangs_beyond` a size: it answers a problem of half the size.
    """

    problem: Problem
    died: Died
    hangs_always: bool = False
    hangs_beyond: bool = False


@dataclass
class CallHistory:
    """The deaths of a function, and how fast it is.

    `crashes` counts its deaths, a hang as several. `deaths_by_problem` holds those of plain calls, whose
    reply several laws use. A call that was too slow shows that the function does at most `speed` units of
    work in a second; `smallest_late` is the smallest problem of such a call. `measured_speed` is the speed in
    calls that were in time. `is_unfinished` is found out once.
    """

    crashes: int = 0
    deaths_by_law: defaultdict[str, list[Death]] = field(default_factory=lambda: defaultdict(list))
    deaths_by_problem: dict[Problem, Death] = field(default_factory=dict)
    is_unfinished: bool | None = None
    answers: bool = False
    compiles: bool = False
    measured_speed: float | None = None
    speed: float = math.inf
    smallest_late: Problem | None = None

    def add_late(self, problem: Problem, work: float, limit: float) -> None:
        """Remember that a problem with this much work takes longer than the limit."""
        if work < self.speed * limit:
            self.speed, self.smallest_late = work / limit, problem
