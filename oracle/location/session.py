"""Calls a function within a budget of calls, and collects the observations."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.problems import problem
from oracle.inputs import Inputs, LayerInputs
from oracle.limits import Limits
from oracle.location.layers import Setting, observed_layer
from oracle.location.observations import Observation, observed
from reference.contract import CONTRACTS

CALLS = 250
"""The largest number of calls of one of the four functions."""
CALLS_OF_LAYERS = 500
"""The largest number of calls of a layer."""


class BudgetSpentError(Exception):
    """The budget of calls is spent."""


@dataclass
class Budget:
    """A program that can be called `most` times."""

    program: Program
    most: int
    calls: int = 0

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """Call the program; raises `BudgetSpentError` if the budget is spent."""
        if self.calls >= self.most:
            raise BudgetSpentError
        self.calls += 1
        return self.program(inputs, then)


@dataclass
class Session:
    """The observations of a function, or of one layer in a setting.

    `program` is the function under test, with its budget of calls.
    """

    function: str
    program: Budget
    limits: Limits
    setting: Setting | None = None
    observations: list[Observation] = field(default_factory=list)

    def draw(self, **fields: Any) -> Inputs:
        """Draw the inputs of a problem for the function or for the observed layer."""
        if self.setting is not None:
            return self.setting.inputs(self.function, **fields)
        return problem(self.function, **fields).inputs(self.function)

    def observe(self, inputs: Inputs) -> Observation | None:
        """Call the program and observe its answer; `None` if the call raises or returns other shapes."""
        if self.setting is None:
            return observed(self.function, inputs, self.program(inputs), self.limits)
        assert isinstance(inputs, LayerInputs)
        return observed_layer(self.setting, inputs, self.program)

    def add_each(self, every: Iterable[Inputs]) -> bool:
        """Add the observations of several problems; `False` if the budget ends before the last problem."""
        try:
            for inputs in every:
                found = self.observe(inputs)
                self.observations += [found] if found else []
        except BudgetSpentError:
            return False
        return True


def within_budget(function: str, program: Program, limits: Limits) -> Budget:
    """The program with the budget of calls for its function."""
    return Budget(program, CALLS_OF_LAYERS if CONTRACTS[function].is_layer else CALLS)
