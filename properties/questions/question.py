"""Computes the answers of the witnesses to the problems of one example.

Torch is imported on first use, because the import takes a second, and the process that only distributes tests
to the workers of pytest-xdist does not need it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from oracle import backpropagation, exact, exact_gradient, propagation
from oracle.backward_inputs import BackwardInputs, LayerBackwardInputs
from oracle.inputs import Inputs
from oracle.problem import Problem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array, Contract

MOST_CACHED = 1024
"""The number of small questions that are cached, because several laws and implementations use them."""

SMALL = 4096
"""The most hidden states of a small question, which takes 0.1 MB of memory on average, and 1 MB at most."""

EXACT_RADIUS = 1e-30
"""The radius of the enclosures of exact values. It is far below every bound: float64 resolves 1e-16."""


class Question:
    """Problems of one shape for one function, with the answers of the witnesses.

    Each property is a list with an item for each problem. It is computed on first access.
    """

    def __init__(self, function: str, problems: Sequence[Problem]) -> None:
        self.contract: Contract = CONTRACTS[function]
        self.problems = problems
        self.inputs: list[Inputs] = [each.inputs(function) for each in problems]

    @staticmethod
    def of(function: str, problems: Sequence[Problem]) -> "Question":
        """The question with these problems. A small question is cached."""
        return (_cached_question if is_small(problems) else Question)(function, tuple(problems))

    @property
    def witness_name(self) -> str:
        """The witness: `"formulas"` for a backward pass from caches of several steps, or else `"torch"`."""
        takes_many_caches = self.contract.name in ("rnn_backward", "lstm_backward")
        return "formulas" if takes_many_caches else "torch"  # torch cannot use cached gates

    @cached_property
    def witness(self) -> list[dict[str, Array]]:
        """The outputs of the witness that `witness_name` names: torch, or the formulas in float64."""
        if self.witness_name == "formulas":
            return [{name: each.value for name, each in bounds.items()} for bounds in self.bounds]
        if self.contract.is_backward:
            from oracle import pytorch_gradient

            return [pytorch_gradient.run(inputs) for inputs in self._backward_inputs]
        from oracle import pytorch

        return [pytorch.run(inputs) for inputs in self.inputs]

    @property
    def _backward_inputs(self) -> list[BackwardInputs | LayerBackwardInputs]:
        return [each for each in self.inputs if isinstance(each, (BackwardInputs, LayerBackwardInputs))]

    @cached_property
    def exact(self) -> list[Mapping[str, Array]]:
        """The exact values, rounded to float64."""
        if self.contract.is_backward:
            enclosures = [exact_gradient.evaluate(inputs, EXACT_RADIUS) for inputs in self._backward_inputs]
        else:
            enclosures = [exact.evaluate(inputs, EXACT_RADIUS) for inputs in self.inputs]
        return [{name: exact.midpoints(array) for name, array in each.items()} for each in enclosures]

    @cached_property
    def bounds(self) -> list[dict[str, Bounded]]:
        """The bounds on the whole trajectory: how far a right answer may be from the exact value."""
        if self.contract.is_backward:
            return backpropagation.evaluate_each(self._backward_inputs)
        return propagation.evaluate_each(self.inputs)

    @cached_property
    def gradual_bounds(self) -> list[dict[str, Bounded]]:
        """The bounds for programs that keep subnormal numbers."""
        return propagation.evaluate_each(self.inputs, gradual=True)


def is_small(problems: Sequence[Problem]) -> bool:
    """Whether these problems make a small question, which is cached."""
    return sum(each.n_a * each.m * each.T_x for each in problems) <= SMALL


_cached_question = lru_cache(maxsize=MOST_CACHED)(Question)
