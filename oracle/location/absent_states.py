"""Finds out whether a layer starts from zeros in calls without initial states, and if not, from what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.facts import Location, Where
from oracle.location.networks import (
    NetworkAnswer,
    explains_answers,
    network_answer,
    network_mistakes,
    networks,
    when_wrong,
)
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class InputsWithoutStates(LayerInputs):
    """Inputs for a call without the `absent` initial states. The arrays of these states are 0."""

    absent: tuple[str, ...] = ()

    def arguments(self, function: str) -> list[Any]:
        """The arguments of a call of `function`, with `None` for each absent state."""
        contract = CONTRACTS[function]
        given = zip([*contract.arguments, *contract.last_arguments], super().arguments(function), strict=True)
        return [None if name in self.absent else argument for name, argument in given]


def locate_absent(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits, seed: int = 0
) -> Location | None:
    """Locate a layer's wrong values for absent initial states; `None` if it uses zeros.

    The layer must be right in calls with initial states.
    """
    states = ("a0", "c0") if function == "lstm_layer" else ("a0",)
    for absent in (states, *([("a0",), ("c0",)] if len(states) > 1 else ())):
        every = _networks_without_states(absent, function, counterexample, limits, seed)
        answers = [found for inputs in every if (found := network_answer(function, program, inputs))]
        if any(each.is_wrong for each in answers):
            return _located(absent, states, answers)
    return None


def _networks_without_states(
    absent: tuple[str, ...], function: str, counterexample: LayerProblem, limits: Limits, seed: int
) -> Iterator[InputsWithoutStates]:
    """Eight networks without some of the initial states: four, and four with a projection if these have none.

    If the first four have a projection, the others have none.
    """
    can_change = function == "lstm_layer" and limits.projection and not counterexample.weights
    every = (
        each for each in networks(counterexample, limits) if each.lengths == "absent" and each.layers < 3
    )
    for k, problem in enumerate([*islice(every, 4)] * 2):
        if can_change and k >= 4:
            problem = replace(problem, n_p=0 if problem.n_p else problem.n_a - 1)
        given = replace(problem, seed=problem.seed + seed + k).inputs(function)
        arrays = {each.name: getattr(given, each.name) for each in fields(given)}
        yield InputsWithoutStates(**arrays | {name: 0 * arrays[name] for name in absent}, absent=absent)


def _located(absent: tuple[str, ...], states: tuple[str, ...], answers: Sequence[NetworkAnswer]) -> Location:
    is_alone = len(absent) < len(states)
    where = Where(" and ".join(absent), setting=("absent alone" if is_alone else "absent",), stage="network")
    for replacement in network_mistakes(answers[0].function):
        if explains_answers(replacement, answers):
            return Location(where, when_wrong(answers, replacement), replacement)
    return Location(where)
