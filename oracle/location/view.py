"""A function as experiments see it: what its answers show of the equations of a step."""

from dataclasses import dataclass
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
