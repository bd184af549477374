"""Calls a function of an implementation for the diagnosis of a failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from oracle.diagnosis.behaviour import LATER_CALLS, Behaviour, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from properties.implementations.calls import Outcome, Raised, Request, Returned
from properties.implementations.implementation import Implementation

REPEATED_CALLS = 100
"""The number of calls whose answers are compared. They reveal a function that errs in one call of twenty."""


class DiedError(Exception):
    """The implementation died in a call for an explanation."""


@dataclass(frozen=True)
class Program:
    """A function of an implementation. Every method that calls it raises `DiedError` if the process dies."""

    implementation: Implementation
    function: str

    @property
    def limits(self) -> Limits:
        """The limits that the implementation declares."""
        return self.implementation.limits

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """Call the function on `inputs`; with `then`, read the answer only after calls on these inputs."""
        return behaviour(self.function, self._outcome(inputs, then), self.limits)

    def acts_at_random(self, inputs: Inputs) -> bool:
        """Whether calls with equal arguments give different answers, beyond rounding."""
        first = self(inputs)
        return any(not self(inputs).is_like(first) for _ in range(REPEATED_CALLS))

    def with_right_cell(self, inputs: Inputs) -> tuple[Behaviour, bool]:
        """Call a forward pass with a right cell. Returns its behaviour, and whether it called that cell."""
        outcome = self._outcome(inputs, with_right_cell=True)
        used = isinstance(outcome, Returned) and outcome.used_reference_cell
        return behaviour(self.function, outcome, self.limits), used

    def is_right(self, function: str, many_inputs: Sequence[Inputs]) -> bool:
        """Whether a function is right on all inputs, and later calls do not change its first answer."""
        program, right = Program(self.implementation, function), specification(function, self.limits)
        calls = zip_longest(many_inputs, many_inputs[1:2])
        return all(program(inputs, then).is_like(right(inputs)) for inputs, then in calls)

    def _outcome(
        self, inputs: Inputs, then: Inputs | None = None, *, with_right_cell: bool = False
    ) -> Outcome:
        later = [then.arguments(self.function)] * LATER_CALLS if then else []
        arguments = inputs.arguments(self.function)
        request = Request(self.function, arguments, "C", later, with_right_cell)
        return self.implementation.reply_each([request])[0].outcome


def behaviour(function: str, outcome: Outcome, limits: Limits) -> Behaviour:
    """The behaviour that the outcome of a call shows. Raises `DiedError` if the process died."""
    if isinstance(outcome, Returned):
        return Behaviour.of(function, outcome.value, outcome.arguments, limits)
    if isinstance(outcome, Raised):
        return Behaviour.of_error()
    raise DiedError
