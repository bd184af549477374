"""Checks one law on a target, or on a mistake of the catalogue that runs in this process."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from hypothesis.database import InMemoryExampleDatabase

from oracle.faults import Fault
from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.calls import Outcome, Reply, Request, outcome_of
from properties.implementations.implementation import Implementation
from properties.implementations.loaded_facts import LoadedFacts
from properties.laws import all_laws
from properties.trials.law import Law
from properties.trials.trial import ViolationError
from properties.turns.turn import Turn
from reference.contract import CONTRACTS

FIRST = (
    "trajectory",
    "each step",
    "cache entries",
    "extreme magnitudes",
    "inputs untouched",
    "same answer twice",
)
"""The laws that all mistakes of the catalogue break, those that most break first."""


@cache
def by_power() -> list[Law]:
    """Every law: first those in `FIRST`, then the others by grade."""
    rank = {name: i for i, name in enumerate(FIRST)}
    return sorted(all_laws(), key=lambda law: (rank.get(law.name, len(rank)), law.grade == "robust"))


class InProcess(Implementation):
    """A mistake of the catalogue, called directly. It is our own code, and needs no process of its own."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"oracle.faults:{fault.name}")
        self._fault = replace(fault, memory={})
        self._loaded = LoadedFacts(functions=dict.fromkeys(CONTRACTS))

    def end_process(self) -> None:
        """Forget all calls, as a new process would."""
        self._fault = replace(self._fault, memory={})

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """Call the mistake for each request. There is no cell to replace."""
        return [Reply(self._outcome(each)) for each in requests]

    def _outcome(self, request: Request) -> Outcome:
        with np.errstate(all="ignore"):
            return outcome_of(lambda given: getattr(self._fault, request.function)(*given), request)


@dataclass(frozen=True)
class Catch:
    """A law that does not hold, the number of problems until then, and the violation."""

    law: Law
    problems: int
    violation: ViolationError


def catch(
    law: Law,
    implementation: Implementation,
    function: str,
    number: int,
    *,
    shrink: bool = False,
    profile: str = "dev",
) -> Catch | None:
    """Check a law on what a profile draws with this seed.

    The first violation, or with `shrink` the simplest that is made of it; `None` if the law holds.
    """
    store = Store(InMemoryExampleDatabase(), implementation.target, law.name, function)
    turn = Turn(law, implementation, function, store, profile, number)
    if turn.holds_on_drawn_problems():
        return None
    problems = turn.tally.problems
    if shrink:
        with suppress(ViolationError):
            turn.shrink()
    try:
        turn.raise_failure()
    except ViolationError as violation:
        return Catch(law, problems, violation)
    return None


def first_catch(fault: Fault, function: str, number: int) -> Catch | None:
    """The first law on the function that a mistake breaks."""
    implementation = InProcess(fault)
    laws = (law for law in by_power() if function in law.functions)
    return next(filter(None, (catch(law, implementation, function, number) for law in laws)), None)


def new_turn(
    law: str,
    function: str,
    target: Implementation,
    profile: str = "dev",
    problem: Problem | None = None,
) -> Turn:
    """A turn of a law, before its first call."""
    stated = next(each for each in all_laws() if each.name == law)
    store = Store(InMemoryExampleDatabase(), target.target, law, function)
    return Turn(stated, target, function, store, profile, 0, problem)


def violation_facts(turn: Turn) -> dict[str, str]:
    """The facts of the first violation, without shrinking; empty if the law holds."""
    try:
        if turn.only_problem:
            turn.run()
        elif not turn.holds_on_drawn_problems():
            turn.raise_failure()
    except ViolationError as violation:
        return dict(violation.facts())
    return {}
