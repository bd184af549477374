"""Initial states that are absent, and not taken for zeros."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.facts import Form, Location, Where
from oracle.location.networks import Answer, answer, rule_of
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS


@dataclass(frozen=True)
class Absent(LayerInputs):
    """Inputs of which some initial states, which are 0, are `absent`."""

    absent: tuple[str, ...] = ()

    def arguments(self, function: str) -> list[Any]:
        """With `None` for each of those."""
        contract = CONTRACTS[function]
        given = zip([*contract.arguments, *contract.at_last], super().arguments(function), strict=True)
        return [None if name in self.absent else argument for name, argument in given]


def locate_absent(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits, seed: int = 0
) -> Location | None:
    """What absent initial states are taken for, where it is not zeros; `None` where nothing is wrong.

    Nothing is said of what is wrong where zeros are given, too, nor of what is refused.
    """
    states = ("a0", "c0") if function == "lstm_layer" else ("a0",)
    stackings = {(1, 1), (counterexample.layers, counterexample.directions)}
    for absent in (states, *([("a0",), ("c0",)] if len(states) > 1 else ())):
        seen = []
        for k, (L, D) in enumerate([*stackings] * 2):
            sizes: dict[str, Any] = {"m": 4, "T_x": 3}
            if not counterexample.weights:
                sizes |= {
                    "n_x": 3,
                    "n_a": 4,
                    "n_p": 4 if counterexample.n_p else 0,
                    "layers": L,
                    "directions": D,
                }
            plain: dict[str, Any] = {
                "lengths": "absent",
                "regime": "unit",
                "dtype": limits.dtypes[0],
                "initial": "given",
            }
            given = replace(counterexample, **sizes, **plain, seed=seed + k).inputs(function)
            zeros = {name: 0 * getattr(given, name) for name in absent}
            inputs = Absent(
                **{each.name: getattr(given, each.name) for each in fields(given)} | zeros, absent=absent
            )
            found = answer(function, program, inputs)
            if found:
                seen.append(found)
        if any(each.is_wrong for each in seen):
            return _of_absent(absent, states, seen)
    return None


def _of_absent(absent: tuple[str, ...], states: tuple[str, ...], seen: Sequence[Answer]) -> Location:
    others = [name for name in states if name not in absent]
    node = " and ".join(absent)
    every = [Form(other, map="zero") for other in others]
    every += [
        Form(node, map=name) for name in ("the other", "what the one before has ended with", "one array")
    ]
    setting = ("absent alone",) if others else ("absent",)
    for form in every:
        if all(each.is_given_by(form) for each in seen if each.is_wrong):
            when = rule_of([each for each in seen if each.is_wrong or each.is_changed_by(form)])
            return Location(Where(node, setting=setting, stage="network"), when, form)
    return Location(Where(node, setting=setting, stage="network"))
