"""Calls a function within a budget of calls, and collects the observations."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.diagnosis.problems import problem
from oracle.location.layer_observations import Setting, observe_layer
from oracle.location.observations import Observation, observe_function
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.limits import Limits
from reference.contract import CONTRACTS

CALLS = 250
"""The largest number of calls of one of the four functions."""
CALLS_OF_LAYERS = 500
"""The largest number of calls of a layer."""


class BudgetSpentError(Exception):
    """No call is left in the budget."""


@dataclass
class Budget:
    """A program that can be called `most` times."""

    program: Program
    most: int
    calls: int = 0

    @classmethod
    def of(cls, function: str, program: Program) -> "Budget":
        """The program with the budget of calls for `function`."""
        return cls(program, CALLS_OF_LAYERS if CONTRACTS[function].is_layer else CALLS)

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """Call the program; raises `BudgetSpentError` if the budget is spent."""
        if self.calls >= self.most:
            raise BudgetSpentError
        self.calls += 1
        return self.program(inputs, then)


@dataclass
class Observer:
    """Draws problems for a function, or for a layer in a setting, and collects observations of the answers.

    `program` is the function under test, with its budget of calls.
    """

    function: str
    program: Budget
    limits: Limits
    setting: Setting | None = None
    observations: list[Observation] = field(default_factory=list)

    def draw(self, **fields: Any) -> Inputs:
        """Draw the inputs of a problem from its sizes, seed, regime and dtype."""
        if self.setting is not None:
            return self.setting.inputs(self.function, **fields)
        return problem(self.function, **fields).inputs(self.function)

    def observe(self, inputs: Inputs) -> Observation | None:
        """Call the program and observe its answer; `None` if the call raises or returns other shapes."""
        if self.setting is None:
            return observe_function(self.function, inputs, self.program(inputs), self.limits)
        assert isinstance(inputs, LayerInputs)
        if not self.limits.initial_state:
            inputs = replace(inputs, a0=0 * inputs.a0, c0=0 * inputs.c0)
        return observe_layer(self.setting, inputs, self.program)

    def add_each(self, every: Iterable[Inputs]) -> bool:
        """Add the observations of several problems. Return `False` if the budget ends before the last one."""
        try:
            for inputs in every:
                self.observations += filter(None, [self.observe(inputs)])
        except BudgetSpentError:
            return False
        return True
