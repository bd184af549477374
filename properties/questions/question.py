"""Computes the answers of the witnesses to the problems of one example, and checks those that were stored.

Torch is imported on first use, because the import takes a second, and the process that only distributes tests
to the workers of pytest-xdist does not need it.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from oracle.network.equations import GATES
from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem, changed_inputs
from oracle.witnesses import exact
from oracle.witnesses.bounds import bounds_on_each
from oracle.witnesses.rounding import Bounded
from oracle.witnesses.verdict import Comparison, largest_ratio
from properties.questions.answer_store import ANSWERS
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
        return ANSWERS.value(
            self._key("witness"),
            lambda: [*map(_torchs_answer, self.inputs)],
            lambda answers: _are_near(answers, self.inputs, self.bounds, "torch"),
        )

    @cached_property
    def exact(self) -> list[dict[str, Array]]:
        """The exact values, rounded to float64."""
        return ANSWERS.value(
            self._key("exact"),
            lambda: [*map(_exact_answer, self.inputs)],
            lambda answers: _are_near(answers, self.inputs, self.bounds, "exact"),
            is_sampled=True,
        )

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

        def compute() -> list[dict[str, Array]]:
            from oracle.witnesses import pytorch

            return [pytorch.gates(inputs) if gates else pytorch.run(inputs)]

        numbers = {**vars(inputs), "dtype": str(inputs.dtype)}
        [answer] = ANSWERS.value(
            ["gates" if gates else "steps", numbers],
            compute,
            lambda answers: _are_near(answers, [inputs], [bounds], "torch", gates=gates),
        )
        return answer

    def _key(self, name: str) -> list[Any]:
        return [name, self.contract.name, [*map(repr, self.problems)]]


def _torchs_answer(inputs: Inputs) -> dict[str, Array]:
    from oracle.witnesses import pytorch

    return pytorch.run(inputs)


def _exact_answer(inputs: Inputs) -> dict[str, Array]:
    return {name: exact.midpoints(array) for name, array in exact.evaluate(inputs, EXACT_RADIUS).items()}


def _are_near(
    stored: Any,
    inputs: Sequence[Inputs],
    bounds: Sequence[Mapping[str, Bounded]],
    witness_name: str,
    *,
    gates: bool = False,
) -> bool:
    """Whether these are answers to all inputs that are as near to the bounded values as right answers are.

    A target runs as the user, and may have written what is stored, so `stored` is a value of any type of
    `processes.codec`. Torch has only the last memory state, and with `gates` it has only the gates.
    """
    if type(stored) is not list or len(stored) != len(inputs):
        return False
    for answer, of_one, known in zip(stored, inputs, bounds, strict=True):
        shapes = {name: each.value.shape for name, each in known.items()}
        if witness_name == "torch":
            shapes = {name: shape for name, shape in shapes.items() if (name in GATES.values()) == gates}
            if "c" in shapes:
                n_a, m, T_x = shapes["c"]
                shapes["c"] = n_a, m, min(T_x, 1)
        if type(answer) is not dict:
            return False
        found = {
            name: array.shape if type(array) is np.ndarray and array.dtype.kind == "f" else None
            for name, array in answer.items()
        }
        if found != shapes:
            return False
        outputs = {name: (array, known[name].value, known[name].error) for name, array in answer.items()}
        if not largest_ratio(of_one, outputs.values(), witness_name) <= 1 and any(
            Comparison(of_one, name, name, *output, witness_name=witness_name).worst > 1
            for name, output in outputs.items()
        ):
            return False
    return True


def is_small(problems: Sequence[Problem]) -> bool:
    """Whether these problems make a small question, which is cached."""
    return sum(each.n_a * each.m * each.T_x for each in problems) <= SMALL


_cached_question = lru_cache(maxsize=MOST_CACHED)(Question)
