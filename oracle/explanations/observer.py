"""Observes the steps of a program on problems, in each kind of network, within a budget of calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from oracle.explanations.behaviour import Behaviour, Program
from oracle.explanations.problems import problem
from oracle.explanations.steps import Steps, observe, observe_layer
from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem
from reference.networks import NETWORKS, kind_in

MOST_STEPS = 40
"""The most steps of an LSTM layer that is observed, since each step needs a call."""


class BudgetSpentError(Exception):
    """No call is left."""


@dataclass
class Budget:
    """A program that can be called `most` times."""

    program: Program
    most: int

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """Call the program; raises `BudgetSpentError` if the budget is spent."""
        if not self.most:
            raise BudgetSpentError
        self.most -= 1
        return self.program(inputs, then)


@dataclass(frozen=True)
class Setting:
    """A kind of network, of which one direction of the top layer is observed; its `name` is a scope."""

    name: str = ""
    layers: int = 1
    directions: int = 1

    def inputs(self, function: str, *, n_a: int, T_x: int, **fields: Any) -> LayerInputs:
        """Draw a network of this kind."""
        options: Mapping[str, Any] = {"layers": self.layers, "directions": self.directions}
        if self.name == "relu":
            options = {**options, "activation": "relu"}
        elif self.name.startswith("projected"):
            options = {**options, "n_p": n_a if self.name == "projected to n_a" else max(n_a - 1, 1)}
        if NETWORKS[kind_in(function)].has_memory:
            T_x = 1 if self.layers > 1 else min(T_x, MOST_STEPS)
        network = problem(function, n_a=n_a, T_x=T_x, **options, **fields).inputs(function)
        assert isinstance(network, LayerInputs)
        return network


def settings_of(shown: LayerProblem, limits: Limits) -> Sequence[Setting]:
    """The settings that the layers of a problem have, and simpler ones, the simplest first."""
    has_two, has_more = shown.directions == 2, shown.layers > 1
    every = [
        (limits.one_direction, Setting()),
        (limits.one_direction and shown.activation == "relu", Setting("relu")),
        (limits.one_direction and shown.n_p and limits.projection is True, Setting("projected to n_a")),
        (limits.one_direction and shown.n_p, Setting("projected")),
        (has_two, Setting("forward of two", directions=2)),
        (has_two, Setting("backward", directions=2)),
        (has_more and limits.one_direction, Setting("above", layers=2)),
        (has_more and has_two, Setting("backward above", layers=2, directions=2)),
    ]
    return [setting for is_included, setting in every if is_included]


@dataclass
class Observer:
    """Calls a function on problems that it draws, in layers in a `setting`, and collects their steps."""

    function: str
    program: Budget
    limits: Limits
    setting: Setting | None = None

    @property
    def can_call(self) -> bool:
        """Whether the budget is not spent."""
        return self.program.most > 0

    def draw(self, **fields: Any) -> Inputs:
        """Draw the inputs of a problem from its sizes, seed, regime and dtype."""
        if self.setting:
            return self.setting.inputs(self.function, **fields)
        return problem(self.function, **fields).inputs(self.function)

    def observe(self, every: Iterable[Inputs]) -> Iterator[Steps]:
        """The steps of each answer, until the budget is spent; answers of another form are left out."""
        for inputs in every:
            try:
                if self.setting and isinstance(inputs, LayerInputs):
                    if not self.limits.initial_state:
                        inputs = replace(inputs, a0=0 * inputs.a0, c0=0 * inputs.c0)
                    backward = "backward" in self.setting.name
                    found = observe_layer(inputs, self.program, backward=backward)
                else:
                    found = observe(self.function, inputs, self.program, self.limits)
            except BudgetSpentError:
                return
            if found:
                yield found
