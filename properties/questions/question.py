"""Computes the answers of the witnesses to the problems of one example.

Torch is imported on first use, because the import takes a second, and the process that only distributes tests
to the workers of pytest-xdist does not need it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache

from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem, changed_inputs
from oracle.witnesses import exact
from oracle.witnesses.bounds import bounds_on_each
from oracle.witnesses.rounding import Bounded
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
        """The witness: `"torch"`, or `"formulas"` if torch has no such network, or cannot use the caches."""
        takes_many_caches = "caches" in self.contract.last_arguments
        return "formulas" if takes_many_caches or not self.contract.network.torch else "torch"

    @cached_property
    def witness(self) -> list[dict[str, Array]]:
        """The outputs of the witness that `witness_name` names: torch, or the formulas in float64."""
        if self.witness_name == "formulas":
            return [{name: each.value for name, each in bounds.items()} for bounds in self.bounds]
        return [*map(_torchs_answer, self.inputs)]

    @cached_property
    def exact(self) -> list[dict[str, Array]]:
        """The exact values, rounded to float64."""
        return [*map(_exact_answer, self.inputs)]

    @cached_property
    def bounds(self) -> list[dict[str, Bounded]]:
        """The bounds on the whole trajectory: how far a right answer may be from the exact value."""
        return bounds_on_each(self.inputs)

    @cached_property
    def changes(self) -> list[list[tuple[str, Inputs, dict[str, Bounded]]]]:
        """For each problem what `changed_inputs` returns, with the bounds on the outputs."""
        changes = [[*changed_inputs(self.contract.name, each)] for each in self.problems]
        bounds = iter(bounds_on_each([inputs for each in changes for _, inputs in each]))
        return [[(*change, next(bounds)) for change in each] for each in changes]

    @cached_property
    def gradual_bounds(self) -> list[dict[str, Bounded]]:
        """The bounds for programs that keep subnormal numbers."""
        return bounds_on_each(self.inputs, gradual=True)

    def steps(self, inputs: Inputs, bounds: Mapping[str, Bounded], gates: bool = False) -> dict[str, Array]:
        """The witness's answer to single steps from a program's states, or with `gates` the steps' gates."""
        if self.witness_name == "formulas":
            return {name: each.value for name, each in bounds.items()}
        from oracle.witnesses import pytorch

        return pytorch.gates(inputs) if gates else pytorch.run(inputs)


def _torchs_answer(inputs: Inputs) -> dict[str, Array]:
    from oracle.witnesses import pytorch

    return pytorch.run(inputs)


def _exact_answer(inputs: Inputs) -> dict[str, Array]:
    return {name: exact.midpoints(array) for name, array in exact.evaluate(inputs, EXACT_RADIUS).items()}


def is_small(problems: Sequence[Problem]) -> bool:
    """Whether these problems make a small question, which is cached."""
    return sum(each.n_a * each.m * each.T_x for each in problems) <= SMALL


_cached_question = lru_cache(maxsize=MOST_CACHED)(Question)
