"""What a network may take for something else, and whether that explains what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from oracle.inputs import LayerInputs
from oracle.location.layers.memory import near
from oracle.location.networks.answer import Answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.stacking import Stacking
from oracle.rounding import Bounded


@dataclass(frozen=True)
class Mistaken:
    """One thing that may be, and whether it `explains` an answer.

    `how` is said of the stackings in which it shows, the simplest first; the `condition` is one beside these.
    """

    where: str
    how: Callable[[Sequence[Stacking]], str]
    condition: str
    explains: Callable[[Answer], bool]


def are(names: Sequence[str]) -> str:
    """The verb of so many."""
    return "are" if len(names) > 1 else "is"


def some_of(names: Sequence[str]) -> list[Sequence[str]]:
    """Each, and all together."""
    return [*([name] for name in names), *([names] if len(names) > 1 else [])]


def said(how: str, stackings: Sequence[Stacking]) -> str:
    """The same of any stackings."""
    return how


def explains_with(change: Callable[[LayerInputs], LayerInputs], answer: Answer) -> bool:
    """Whether it is what other inputs give."""
    return is_answer(answer, evaluate(change(answer.inputs)))


def is_answer(answer: Answer, right: Mapping[str, Bounded]) -> bool:
    """Whether it is this."""
    return all(near(array, right[name]).all() for name, array in answer.shown.items())
