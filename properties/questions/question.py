"""A question: the problems of one example of Hypothesis, with the answers of the witnesses.

Torch is imported on first use, since the import takes a second and the controller of pytest-xdist does not
need it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from oracle import backpropagation, exact, exact_gradient, propagation
from oracle.backward_inputs import BackwardInputs, LayerBackwardInputs
from oracle.inputs import Inputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array, Contract

CACHED = 1024
"""The number of small questions that are cached, because several laws and implementations use them."""

SMALL = 4096
"""The most hidden states of a small question, which takes 0.1 MB on average, and 1 MB at most."""

EXACT_RADIUS = 1e-30
"""The radius of enclosures: far below every bound, since float64 resolves 1e-16 of a number."""


class Question:
    """Problems of one shape for one function, with the answers of the witnesses.

    Each property is computed on first access, once, and for all problems together.
    """

    def __init__(self, function: str, problems: Sequence[Problem]) -> None:
        self.contract: Contract = CONTRACTS[function]
        self.problems = problems
        self.inputs: list[Inputs] = [each.inputs(function) for each in problems]

    @staticmethod
    def of(function: str, problems: Sequence[Problem]) -> "Question":
        """The question with these problems; a small one is cached."""
        return (_cached if _is_small(problems) else Question)(function, tuple(problems))

    @property
    def is_small(self) -> bool:
        """Whether the question is small enough to be cached."""
        return _is_small(self.problems)

    @property
    def rival(self) -> str:
        """The witness: `"torch"`, or `"formulas"` for backward passes with caches, which torch lacks."""
        takes_caches = self.contract.is_backward and not (self.contract.is_layer or self.contract.is_cell)
        return "formulas" if takes_caches else "torch"

    @cached_property
    def framework(self) -> list[dict[str, Array]]:
        """Torch's answers; if torch has no such function, the float64 evaluation of the formulas."""
        if self.rival == "formulas":
            return [{name: each.value for name, each in bounds.items()} for bounds in self.bounds]
        if self.contract.is_backward:
            from oracle import pytorch_gradient

            return [pytorch_gradient.run(inputs) for inputs in self._backward]
        from oracle import pytorch

        return [pytorch.run(inputs) for inputs in self.inputs]

    @property
    def _backward(self) -> list[BackwardInputs | LayerBackwardInputs]:
        """The inputs of backward passes."""
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
        """The bounds on the whole trajectory: how far a right answer may be from the exact value."""
        if self.contract.is_backward:
            return backpropagation.evaluate_each(self._backward)
        return propagation.evaluate_each(self.inputs)

    @cached_property
    def gradual_bounds(self) -> list[dict[str, Bounded]]:
        """The bounds for programs that keep subnormal numbers."""
        return propagation.evaluate_each(self.inputs, gradual=True)


def _is_small(problems: Sequence[Problem]) -> bool:
    return sum(each.n_a * each.m * each.T_x for each in problems) <= SMALL


_cached = lru_cache(maxsize=CACHED)(Question)
