"""A program that is asked, within a budget, and all that it has shown."""

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
"""How many calls of one of the four functions are made at most."""
CALLS_OF_LAYERS = 500


class OverError(Exception):
    """As many calls were made as may be."""


@dataclass
class Budget:
    """A program whose calls are counted."""

    program: Program
    most: int
    calls: int = 0

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """One call more; raises `OverError` where that is too many."""
        if self.calls >= self.most:
            raise OverError
        self.calls += 1
        return self.program(inputs, then)


@dataclass
class Session:
    """What was asked of a function, or of one layer in a setting, and what it has shown."""

    function: str
    program: Budget
    limits: Limits
    setting: Setting | None = None
    seen: list[Observation] = field(default_factory=list)
    is_strict: bool = False

    @property
    def make(self) -> Make:
        """Draws what may be asked."""
        if self.setting is not None:
            return Maker(self.function, self.setting)
        return making(self.function)

    def observe(self, inputs: Inputs) -> Observation | None:
        """What one answer shows, which is not kept; `None` where it raises or is of another form."""
        if self.setting is None:
            return observed(self.function, inputs, self.program(inputs), self.limits)
        return observed_layer(self.function, self.setting, inputs, self.program)

    def ask(self, inputs: Inputs) -> Observation | None:
        """The same, kept."""
        found = self.observe(inputs)
        if found is None:
            return None
        self.seen.append(surely(found) if self.is_strict else found)
        return found

    def strictly(self) -> None:
        """Look at what does not hang on memory states that are not shown alone, from now on."""
        self.is_strict, self.seen = True, [surely(each) for each in self.seen]

    def ask_each(self, every: object) -> bool:
        """Ask what there is as long as the budget allows; whether it did."""
        try:
            for inputs in every:  # type: ignore[attr-defined]
                self.ask(inputs)
        except OverError:
            return False
        return True


def begun(function: str, program: Program, limits: Limits) -> Budget:
    """A program with the budget of its function."""
    return Budget(program, CALLS_OF_LAYERS if CONTRACTS[function].is_layer else CALLS)
