"""Remembers how a function has died, and how fast it is."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from oracle.problem import Problem
from properties.implementations.process import Died


@dataclass(frozen=True)
class Death:
    """A death of a function on a problem.

    With `hangs_always` the function hangs on the smallest problem, too. With `hangs_beyond` it hangs on this
    problem, and answers one of half the size.
    """

    problem: Problem
    died: Died
    hangs_always: bool = False
    hangs_beyond: bool = False


@dataclass
class CallHistory:
    """The deaths of a function, and how fast it is.

    `crashes` counts its deaths, a hang as several. `deaths_by_problem` holds those of plain calls (with the
    problem as it is), whose reply several laws use. `speed` is an upper limit of the work that the function
    does in a second, from calls that were too slow; `smallest_late` is the smallest problem of such a call.
    `measured_speed` is the speed in calls that were in time. `is_unfinished` is found out once.
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
