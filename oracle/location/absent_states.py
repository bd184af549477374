"""Find out what a layer takes absent initial states for, if not for zeros."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.facts import Location, Where
from oracle.location.networks import Answer, answer, network_mistakes, networks, rule_of
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class Absent(LayerInputs):
    """Inputs of which some initial states, which are 0, are `absent`."""

    absent: tuple[str, ...] = ()

    def arguments(self, function: str) -> list[Any]:
        """The arguments of a call, with `None` for each absent state."""
        contract = CONTRACTS[function]
        given = zip([*contract.arguments, *contract.last_arguments], super().arguments(function), strict=True)
        return [None if name in self.absent else argument for name, argument in given]


def locate_absent(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits, seed: int = 0
) -> Location | None:
    """What absent initial states are taken for, where that is not zeros; `None` where nothing is wrong.

    The caller has seen that the layer is right where zeros are given.
    """
    states = ("a0", "c0") if function == "lstm_layer" else ("a0",)
    for absent in (states, *([("a0",), ("c0",)] if len(states) > 1 else ())):
        every = _without(absent, function, counterexample, limits, seed)
        seen = [found for inputs in every if (found := answer(function, program, inputs))]
        if any(each.is_wrong for each in seen):
            return _located(absent, states, seen)
    return None


def _without(
    absent: tuple[str, ...], function: str, counterexample: LayerProblem, limits: Limits, seed: int
) -> Iterator[Absent]:
    """Eight networks in which some initial states are absent, each shape of them twice."""
    every = (
        each for each in networks(counterexample, limits) if each.lengths == "absent" and each.layers < 3
    )
    for k, problem in enumerate([*islice(every, 4)] * 2):
        given = replace(problem, seed=problem.seed + seed + k).inputs(function)
        arrays = {each.name: getattr(given, each.name) for each in fields(given)}
        yield Absent(**arrays | {name: 0 * arrays[name] for name in absent}, absent=absent)


def _located(absent: tuple[str, ...], states: tuple[str, ...], seen: Sequence[Answer]) -> Location:
    is_alone = len(absent) < len(states)
    where = Where(" and ".join(absent), setting=("absent alone" if is_alone else "absent",), stage="network")
    for form in network_mistakes(seen[0].function):
        if all(each.is_given_by(form) for each in seen if each.is_wrong):
            return Location(where, rule_of(seen, form), form)
    return Location(where)
