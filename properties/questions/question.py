"""Problems of one shape that are posed together, an example of Hypothesis, and what the witnesses say.

Torch takes a second to import, and is imported here and in the laws when it is first asked: the process that
controls those of pytest-xdist asks nothing.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from oracle import backpropagation, exact, exact_gradient, propagation
from oracle.backward_inputs import BackwardInputs, LayerBackwardInputs
from oracle.inputs import Inputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array, Contract

KEPT = 1024
"""How many small questions are kept, for other laws pose the same, and to other implementations."""

SMALL = 4096
"""How many hidden states a small question has at most; it takes 1 MB at the worst, and a tenth on average."""

EXACT_RADIUS = 1e-30
"""Far below any bound: float64 resolves 1e-16 of a number."""


class Question:
    """Problems for one function, and what the witnesses say of each.

    Everything is found out when it is first asked for, of all the problems at once, and only once.
    """

    def __init__(self, function: str, problems: Sequence[Problem]) -> None:
        self.contract: Contract = CONTRACTS[function]
        self.problems = problems
        self.inputs: list[Inputs] = [each.inputs(function) for each in problems]

    @staticmethod
    def of(function: str, problems: Sequence[Problem]) -> "Question":
        """The question of these problems; if it is small, the same one again while it is kept."""
        return (_kept if _is_small(problems) else Question)(function, tuple(problems))

    @property
    def is_small(self) -> bool:
        """Whether it is worth keeping."""
        return _is_small(self.problems)

    @property
    def rival(self) -> str:
        """Who the framework's word comes from; a backward pass that is given caches torch has not."""
        is_given_caches = self.contract.is_backward and not (self.contract.is_layer or self.contract.is_cell)
        return "formulas" if is_given_caches else "torch"

    @cached_property
    def framework(self) -> list[dict[str, Array]]:
        """What torch answers; or the float64 evaluation of the formulas, where torch has no such function."""
        if self.rival == "formulas":
            return [{name: each.value for name, each in bounds.items()} for bounds in self.bounds]
        if self.contract.is_backward:
            from oracle import pytorch_gradient

            return [pytorch_gradient.run(inputs) for inputs in self._backward]
        from oracle import pytorch

        return [pytorch.run(inputs) for inputs in self.inputs]

    @property
    def _backward(self) -> list[BackwardInputs | LayerBackwardInputs]:
        """The inputs, if they are of a backward pass."""
        return [each for each in self.inputs if isinstance(each, (BackwardInputs, LayerBackwardInputs))]

    @cached_property
    def exact(self) -> list[Mapping[str, Array]]:
        """The exact values, rounded to float64."""
        if self.contract.is_backward:
            enclosed = [exact_gradient.evaluate(inputs, EXACT_RADIUS) for inputs in self._backward]
        else:
            enclosed = [exact.evaluate(inputs, EXACT_RADIUS) for inputs in self.inputs]
        return [{name: exact.midpoints(array) for name, array in each.items()} for each in enclosed]

    @cached_property
    def bounds(self) -> list[dict[str, Bounded]]:
        """How far a right answer may be off, over the whole trajectory."""
        if self.contract.is_backward:
            return backpropagation.evaluate_each(self._backward)
        return propagation.evaluate_each(self.inputs)

    @cached_property
    def gradual_bounds(self) -> list[dict[str, Bounded]]:
        """The same of an answer that flushes nothing to zero."""
        return propagation.evaluate_each(self.inputs, gradual=True)


def _is_small(problems: Sequence[Problem]) -> bool:
    return sum(each.n_a * each.m * each.T_x for each in problems) <= SMALL


_kept = lru_cache(maxsize=KEPT)(Question)
