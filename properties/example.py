"""What Hypothesis calls an example: problems of one shape, posed to a function together."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from oracle import rounding
from oracle.problem import Inputs, Problem
from oracle.rounding import Bounded
from properties.answer import Answer, MalformedError
from properties.isolation.implementation import Died, Implementation, Raised, Returned
from reference.contract import CONTRACTS, Contract

KEPT = 128
"""How many examples are kept, for other laws look at the same answers."""

SMALL = 4096
"""How many hidden states an example has at most that is kept: at the worst, 1 MB."""


def pose(implementation: Implementation, function: str, problems: Sequence[Problem]) -> "Example":
    """The example of these problems; the same one again while it is kept."""
    states = sum(problem.n_a * problem.m * problem.T_x for problem in problems)
    make = _kept if states <= SMALL else Example
    return make(implementation, function, tuple(problems))


class Example:
    """Problems of one shape, what a function answered to them, and how far right answers may be off.

    Everything is found out when it is first asked for, of all the problems at once, and only once.
    """

    def __init__(self, implementation: Implementation, function: str, problems: Sequence[Problem]) -> None:
        self.implementation = implementation
        self.contract: Contract = CONTRACTS[function]
        self.problems = problems
        self.inputs: list[Inputs] = [each.inputs(function) for each in self.problems]
        self._replies: dict[int, Returned | Raised] = {}
        self._died: dict[int, Died] = {}
        self._answers: dict[int, Answer] = {}
        self._steps: dict[int, tuple[Inputs, Mapping[str, Bounded]]] = {}

    def reply(self, number: int) -> Returned | Raised | Died:
        """What came of the call with a problem. A death is told once: then it is asked again."""
        if number in self._died:
            return self._died.pop(number)
        if number not in self._replies:
            name = self.contract.name
            calls = [inputs.arguments(name) for inputs in self.inputs[number:]]
            for i, reply in enumerate(self.implementation.call_each(name, calls), number):
                if isinstance(reply, Died):
                    self._died[i] = reply
                else:
                    self._replies[i] = reply
            return self.reply(number)
        return self._replies[number]

    def answer(self, number: int) -> Answer:
        """What was returned for a problem; asks for no reply."""
        if number not in self._answers:
            returned = self._replies[number]
            assert isinstance(returned, Returned)
            n_x, m, T_x = self.inputs[number].x.shape
            sizes = {**self.problems[number].sizes, "n_x": n_x, "m": m, "T_x": T_x}
            self._answers[number] = Answer(self.contract, returned, sizes)
        return self._answers[number]

    def bounds(self, number: int) -> Mapping[str, Bounded]:
        """How far a right answer may be off, over the whole trajectory."""
        return self._bounds[number]

    def steps(self, number: int) -> tuple[Inputs, Mapping[str, Bounded]]:
        """The steps of a problem from the states that the answer gives, side by side, with their bounds."""
        if number not in self._steps:
            answers = dict(self._readable())
            inputs = [self.inputs[i].steps(each.outputs["a"], each.memory) for i, each in answers.items()]
            bounds = rounding.evaluate_each(inputs)
            self._steps = dict(zip(answers, zip(inputs, bounds, strict=True), strict=True))
        return self._steps[number]

    @cached_property
    def _bounds(self) -> list[dict[str, Bounded]]:
        return rounding.evaluate_each(self.inputs)

    def _readable(self) -> Iterator[tuple[int, Answer]]:
        for number, reply in self._replies.items():
            if isinstance(reply, Returned):
                answer = self.answer(number)
                try:
                    _ = answer.outputs
                except MalformedError:
                    continue
                yield number, answer


_kept = lru_cache(maxsize=KEPT)(Example)
