"""Initial states that are absent, and not taken for zeros."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.begun import ENDED
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.mistaken import are, explains_with, is_answer, some_of
from oracle.location.networks.stacking import FEW, SIZES, Stacking, and_larger, are_of, condition, posed
from oracle.problem import LayerProblem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS

TOO = "is taken for absent, too"


@dataclass(frozen=True)
class Absent(LayerInputs):
    """Inputs of which some initial states, which are 0, are `absent`."""

    absent: Sequence[str] = ()

    def arguments(self, function: str) -> list[Any]:
        """With `None` for each of those."""
        contract = CONTRACTS[function]
        given = zip([*contract.arguments, *contract.at_last], super().arguments(function), strict=True)
        return [None if name in self.absent else argument for name, argument in given]


def with_absent(inputs: LayerInputs, names: Sequence[str]) -> Absent:
    """The same of which some initial states are absent."""
    return Absent(**{each.name: getattr(inputs, each.name) for each in fields(inputs)}, absent=names)


def absent_states(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """When and how a network begins otherwise where initial states are not given; `None` where it does not.

    First where none is, then where one alone is not. Nothing is said of what is wrong where zeros are given,
    too, nor of what is refused.
    """
    states = [*CONTRACTS[function].arguments][1:]
    every = some_of(states)[::-1]
    found = (_where_absent(each, states, function, program, counterexample, limits) for each in every)
    first = next(filter(None, found), None)
    second = next(found, None) if first and first.where.endswith(TOO) else None
    if first and second and second.where.endswith(TOO) and first.when == second.when:
        where = f"of a0 and c0 one, where the other alone is absent, {TOO}"
        return replace(first, where=where, equations=[where])
    return first


def _where_absent(
    names: Sequence[str],
    states: Sequence[str],
    function: str,
    program: Program,
    counterexample: LayerProblem,
    limits: Limits,
) -> Location | None:
    """The same where those of some names are not given."""
    wrong: dict[Stacking, list[Answer]] = {}
    right: set[Stacking] = set()
    every = and_larger(counterexample, limits, layers=3)
    for stacking in every:
        for seed, sizes in enumerate(SIZES[:FEW]):
            ordinary = posed(counterexample, stacking, sizes, "absent", seed, limits)
            given = replace(ordinary, **{name: 0 * getattr(ordinary, name) for name in names})
            seen = [answer(function, program, inputs) for inputs in (given, with_absent(given, names))]
            if not seen[0] or not seen[0].is_right or not seen[1]:
                return None
            if seen[1].is_right:
                right.add(stacking)
            else:
                wrong.setdefault(stacking, []).append(seen[1])
    if not are_of(counterexample, wrong):
        return None
    every_wrong = [each for some in wrong.values() for each in some]

    def when(*beside: str) -> str:
        hangs_on_more = right & {*wrong}
        return "" if hangs_on_more else condition([*wrong], every, *beside)

    others = [name for name in states if name not in names]
    if others and all(explains_with(partial(_zeros, others), each) for each in every_wrong):
        where = f"{others[0]}, where {names[0]} alone is absent, {TOO}"
        return Location(where, when(), "as if it were 0", equations=[where])
    begun, how = _begun(every_wrong, names)
    if all(_is_one_array(names, each) for each in every_wrong):
        one = "one array each" if others == [] and len(names) > 1 else "one array"
        where = f"{' and '.join(names)}, where absent, {are(names)} {one} for all layers and directions"
        how = "each begins with what the one before has ended with, and all last states are those of the last"
        return Location(where, when(), how, equations=[where])
    beside = []
    if how in OTHERS and limits.projection and function == "lstm_layer" and not counterexample.weights:
        beside.append("where a0 and c0 have as many units")  # of which it can be the value
    which = f"where {'it alone is absent' if others else 'absent'}"
    where = f"{' and '.join(begun)}, {which}, {are(begun)} not 0"
    if not begun:  # it need not be the states that are other ones
        where = (
            f"{f'{names[0]} alone is' if others else 'initial states are'} absent (right where 0 is given)"
        )
    return Location(where, when(*beside), how, equations=[where])


def _begun(answers: Sequence[Answer], states: Sequence[str]) -> tuple[Sequence[str], str]:
    """Which states are something else in all of these answers, and what; none, if that is not known."""
    for names in some_of(states):
        for how, change in _BEGUN.items():
            if all(explains_with(partial(change, names), each) for each in answers):
                return names, how
    return [], ""


def _is_one_array(names: Sequence[str], answer: Answer) -> bool:
    """Whether all layers and directions begin and end in one array."""
    given = _BEFORE(names, answer.inputs)
    right = dict(evaluate(given))
    for name in names:
        last, shape = right[f"{name[0]}_last"], getattr(given, name).shape
        of_all = (np.broadcast_to(part.reshape(shape)[-1:], shape) for part in (last.value, last.error))
        right[f"{name[0]}_last"] = Bounded(*(part.reshape(last.value.shape) for part in of_all))
    return is_answer(answer, right)


def _as_the_other(given: str, names: Sequence[str], inputs: LayerInputs) -> LayerInputs:
    """The state that is absent alone is the other one, where that has as many units."""
    is_of_form = given not in names and len(names) == 1 and inputs.a0.shape == inputs.c0.shape
    return replace(inputs, **{names[0]: getattr(inputs, given)}) if is_of_form else inputs


def _zeros(names: Sequence[str], inputs: LayerInputs) -> LayerInputs:
    return replace(inputs, **{name: 0 * getattr(inputs, name) for name in names})


def _ones(names: Sequence[str], inputs: LayerInputs) -> LayerInputs:
    return replace(inputs, **{name: np.ones_like(getattr(inputs, name)) for name in names})


OTHERS = {"the value of a0": "a0", "the value of c0": "c0"}

_BEFORE = ENDED["what the layer or direction before has ended with"]

_BEGUN: Mapping[str, Callable[[Sequence[str], LayerInputs], LayerInputs]] = {
    **ENDED,
    **{how: partial(_as_the_other, other) for how, other in OTHERS.items()},
    "always 1": _ones,
}
"""What absent states may be taken for, in the place of zeros."""
