"""Calls a function of an implementation for the diagnosis of a failure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from oracle.explanations.behaviour import LATER_CALLS, Behaviour, specification
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from properties.implementations.calls import Died, Raised, Reply, Request
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
        later = [then.arguments(self.function)] * LATER_CALLS if then else []
        request = Request(self.function, inputs.arguments(self.function), then=later)
        outcome = self.implementation.reply_each([request])[0].outcome
        if isinstance(outcome, Died):
            raise DiedError
        if isinstance(outcome, Raised):
            return Behaviour.of_error()
        return Behaviour.of(self.function, outcome.value, outcome.arguments, self.limits)

    def acts_at_random(self, inputs: Inputs) -> bool:
        """Whether calls with equal arguments give different answers, beyond rounding."""
        first = self(inputs)
        return any(not self(inputs).is_like(first) for _ in range(REPEATED_CALLS))

    def is_right(self, many_inputs: Sequence[Inputs]) -> bool:
        """Whether the function is right on all inputs, and later calls do not change its first answer."""
        right, calls = specification(self.function, self.limits), zip_longest(many_inputs, many_inputs[1:2])
        return all(self(inputs, then).is_like(right(inputs)) for inputs, then in calls)


class SameTarget(Implementation):
    """Another way to ask a target: it has the process and all else of an implementation."""

    __slots__ = ("implementation",)  # not in `__dict__`, which is that of the implementation

    def __init__(self, implementation: Implementation) -> None:
        self.__dict__ = vars(implementation)
        self.implementation = implementation


class InNewProcesses(SameTarget):
    """The same target, but each call is the first one of a process, so that a memory has no effect.

    Later calls and calls on parts in the same request remain. A first call may load a framework, so each has
    the time limit of the import.
    """

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """Send each request, without the earlier calls in it, to a new process, and return the replies."""
        replies: list[Reply] = []
        for each in requests:
            if not (replies and replies[-1].is_death):
                self.implementation.end_process()
                limit = self.settings.import_time_limit
                replies += self.implementation.reply_each([each.changed(earlier=())], time_limit=limit)
        return replies
