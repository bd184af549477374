"""A function as experiments see it: what its answers show of the equations of a step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from oracle.diagnosis.behaviour import Program, specification
from oracle.inputs import Inputs
from oracle.location.where.shown import Shown


class View(Protocol):
    """What computes one network over time."""

    @property
    def function(self) -> str:
        """The one of the four whose equations these are."""

    def shown(self, inputs: Inputs) -> Shown | None:
        """What it shows, and of which inputs; `None` where that has not the form of the contract."""

    def expected(self, inputs: Inputs) -> Shown | None:
        """What one that is right would show."""


@dataclass(frozen=True)
class Itself:
    """One of the four functions."""

    function: str
    program: Program

    def shown(self, inputs: Inputs) -> Shown | None:
        """Its answer."""
        return Shown.of(self.function, inputs, self.program(inputs))

    def expected(self, inputs: Inputs) -> Shown | None:
        """That of the specification."""
        return Shown.of(self.function, inputs, specification(self.function)(inputs))


COARSE = 1e6
"""Of how many bounds is what a program may be off by which computes in another way, badly."""

Reading = Callable[[Shown], Shown]
"""What an answer shows if something is known of it."""


@dataclass(frozen=True)
class ReadAs:
    """Another view, of which something is known."""

    view: View
    read: Reading

    @property
    def function(self) -> str:
        """That of the other view."""
        return self.view.function

    def shown(self, inputs: Inputs) -> Shown | None:
        """What the other view shows."""
        shown = self.view.shown(inputs)
        return shown and self.read(shown)

    def expected(self, inputs: Inputs) -> Shown | None:
        """What it would show of one that is right."""
        return self.view.expected(inputs)


def coarsely(shown: Shown) -> Shown:
    """An answer in which nothing is wrong that is off by little."""
    return replace(shown, margin=COARSE)


def of_caches(shown: Shown) -> Shown:
    """An answer of which the caches alone may be wrong."""
    return replace(shown, of_caches=True)
