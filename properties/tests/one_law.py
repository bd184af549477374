"""One law, asked of one target on the problems that are drawn for it, or on one."""

from hypothesis.database import InMemoryExampleDatabase

from oracle.problem import Problem
from properties.failure_database.store import Store
from properties.implementations.implementation import Implementation
from properties.laws import all_laws
from properties.trials.tally import Tally
from properties.trials.trial import ViolationError
from properties.turns.turn import Turn


def asked(
    law: str,
    function: str,
    target: Implementation,
    profile: str = "dev",
    problem: Problem | None = None,
) -> Turn:
    """A turn of the law, with its own tally, before anything was asked."""
    stated = next(each for each in all_laws() if each.name == law)
    store = Store(InMemoryExampleDatabase(), target.target, law, function)
    return Turn(stated, target, function, store, Tally(), profile=profile, number=0, exactly=problem)


def violated(turn: Turn) -> dict[str, str]:
    """The facts of the violation that is found; none where the law holds. It is not made small."""
    try:
        if turn.exactly:
            turn.run()
        elif not turn.holds_of_what_is_drawn():
            turn.conclude()
    except ViolationError as violation:
        return dict(violation.facts())
    return {}
