"""One law, asked of one target on the problems that are drawn for it."""

from hypothesis.database import InMemoryExampleDatabase

from properties.answered.implementation import Implementation
from properties.judged.tally import Tally
from properties.judged.trial import ViolationError
from properties.laws import all_laws
from properties.stored.store import Store
from properties.turns.turn import Turn


def asked(law: str, function: str, target: Implementation, profile: str = "dev") -> Turn:
    """A turn of the law, with its own tally, before anything was asked."""
    stated = next(each for each in all_laws() if each.name == law)
    store = Store(InMemoryExampleDatabase(), target.target, law, function)
    return Turn(stated, target, function, store, Tally(), profile=profile, number=0)


def violated(turn: Turn) -> dict[str, str]:
    """The facts of the violation that is found; none where the law holds. It is not made small."""
    if turn.holds_of_what_is_drawn():
        return {}
    try:
        turn.conclude()
    except ViolationError as violation:
        return dict(violation.facts())
    return {}
