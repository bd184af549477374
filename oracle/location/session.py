"""The calls of a function within a budget, and all observations so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from oracle.diagnosis.behaviour import Behaviour, Program
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.layers import Maker, Setting, observed_layer
from oracle.location.memory import surely
from oracle.location.observations import Observation, observed
from oracle.location.probe_problems import Make, making
from reference.contract import CONTRACTS

CALLS = 250
"""The most calls of one of the four functions."""
CALLS_OF_LAYERS = 500
"""The most calls of a layer."""


class OverError(Exception):
    """The budget of calls is spent."""


@dataclass
class Budget:
    """A program that may be called `most` times."""

    program: Program
    most: int
    calls: int = 0

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """Call the program; raises `OverError` where the budget is spent."""
        if self.calls >= self.most:
            raise OverError
        self.calls += 1
        return self.program(inputs, then)


@dataclass
class Session:
    """The observations of a function, or of one layer in a setting."""

    function: str
    program: Budget
    limits: Limits
    setting: Setting | None = None
    seen: list[Observation] = field(default_factory=list)
    is_strict: bool = False

    @property
    def make(self) -> Make:
        """Draws the inputs of problems."""
        if self.setting is not None:
            return Maker(self.function, self.setting)
        return making(self.function)

    def observe(self, inputs: Inputs) -> Observation | None:
        """Observe one answer without keeping it; `None` where the call raises or has other shapes."""
        if self.setting is None:
            return observed(self.function, inputs, self.program(inputs), self.limits)
        return observed_layer(self.function, self.setting, inputs, self.program)

    def ask(self, inputs: Inputs) -> Observation | None:
        """Observe one answer, and keep the observation."""
        found = self.observe(inputs)
        if found is None:
            return None
        self.seen.append(surely(found) if self.is_strict else found)
        return found

    def strictly(self) -> None:
        """From now on keep only what does not depend on memory states that are not shown."""
        self.is_strict, self.seen = True, [surely(each) for each in self.seen]

    def ask_each(self, every: Iterable[Inputs]) -> bool:
        """Ask all problems; `False` where the budget was spent before."""
        try:
            for inputs in every:
                self.ask(inputs)
        except OverError:
            return False
        return True


def begun(function: str, program: Program, limits: Limits) -> Budget:
    """The program with the budget of calls for its function."""
    return Budget(program, CALLS_OF_LAYERS if CONTRACTS[function].is_layer else CALLS)
