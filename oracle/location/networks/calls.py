"""Networks that use what an earlier call has left: its states, parameters or lengths, or what it returned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.networks.absent import with_absent
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.mistaken import are, explains_with, is_answer, some_of
from oracle.location.networks.places import are_of_the_first_alike, groups
from oracle.location.networks.stacking import Stacking, posed
from oracle.problem import LayerProblem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array

SHAPE = (4, 5)
"""Samples and steps of what is asked."""

OTHER_SHAPE = (3, 7)
FIRST = "the first call"

Explains = Callable[[Answer, Answer], bool]
"""Whether something that an earlier call has left explains the answer to a later one."""


@dataclass(frozen=True)
class Left:
    """Something that a call may leave, in words; which `parameters`, if it is any."""

    words: str
    explains: Explains
    parameters: Sequence[str] = ()


def left_behind(
    function: str, program: Program, counterexample: LayerProblem, anew: Callable[[], None], limits: Limits
) -> str:
    """What an earlier call has left that a later one uses, in words; empty if that is not known.

    `anew` makes the program forget all calls. It is asked thrice in a new process, with initial states that
    are given, that are zeros, and that are absent; and with lengths.
    """
    states = [*CONTRACTS[function].arguments][1:]
    stacking = counterexample.layers, counterexample.directions
    settings: list[tuple[str, Lengths, Sequence[str] | None]] = [
        ("", "absent", None),
        (", where 0,", "absent", []),
        (", where absent,", "absent", states),
    ]
    if limits.lengths:
        settings.append(("", "random", None))

    def ask(every: Sequence[LayerInputs]) -> list[Answer | None]:
        anew()
        return [answer(function, program, inputs) for inputs in every]

    for where, lengths, absent in settings:
        *every, other = (
            _begun(posed(counterexample, stacking, shape, lengths, seed, limits), absent)
            for seed, shape in enumerate([SHAPE] * 3 + [OTHER_SHAPE], 1)
        )
        others = {" of its shapes": other}
        if not counterexample.weights:
            larger = replace(counterexample, n_a=counterexample.n_a + 1)
            with_larger = _begun(posed(larger, stacking, SHAPE, lengths, 4, limits), absent)
            others |= {" with parameters of its shapes": with_larger}
        first, second, third = ask(every)
        if not first or not second or not third or not first.is_right or second.is_right:
            continue
        every_left = _left(states, where, [*first.inputs.parameters[0]])
        left = next((each for each in every_left if each.explains(first, second)), None)
        if not left:
            continue
        several = posed(counterexample, _several(counterexample, limits), SHAPE, "absent", 1, limits)
        if left.parameters and _are_of_the_first_alike(left.parameters, ask([several])[0]):
            whose = "the first layer and direction of its shapes, in any call"
        else:
            whose = _whose(left.explains, first, second, third)
            is_of = partial(_changes_nothing, ask, left.explains, whose, every[:2])
            whose += next((said for said, each in others.items() if is_of(each)), "")
            given = posed(counterexample, stacking, SHAPE, lengths, 5, limits)
            whose += " that had none" if absent and is_of(given) else ""
        return left.words.format(whose=whose)
    return ""


def _several(problem: LayerProblem, limits: Limits) -> Stacking:
    """Two layers in two directions, as far as they may be."""
    if problem.weights:
        return problem.layers, problem.directions
    return min(2, limits.layers), min(2, limits.directions)


def _are_of_the_first_alike(names: Sequence[str], shown: Answer | None) -> bool:
    """Whether they are kept from one layer or direction to the next in a first call."""
    return shown is not None and not shown.is_right and are_of_the_first_alike(names, shown)


def _whose(explains: Explains, first: Answer, second: Answer, third: Answer) -> str:
    """Of which call it is, by the third."""
    of_first, of_second = explains(first, third), explains(second, third)
    if of_first == of_second:
        return "an earlier call"
    return FIRST if of_first else "the call before"


def _changes_nothing(
    ask: Callable[[Sequence[LayerInputs]], list[Answer | None]],
    explains: Explains,
    whose: str,
    two: Sequence[LayerInputs],
    other: LayerInputs,
) -> bool:
    """Whether another call, which comes first or between the two, changes nothing."""
    one, later = two
    shown = ask([other, one, later] if whose == FIRST else [one, other, later])
    earlier, last = shown[1 if whose == FIRST else 0], shown[2]
    return all(shown) and bool(earlier and last and explains(earlier, last))


def _left(states: Sequence[str], where: str, parameters: Sequence[str]) -> Iterator[Left]:
    """All that a call may leave."""
    for names in some_of(states):
        words = f"{' and '.join(names)}{where} {are(names)} what {{whose}} has ended with"
        yield Left(words, partial(_explains_with, partial(_with_states, names)))
    for names in groups(parameters):
        words = f"{', '.join(names)} {are(names)} those of {{whose}}"
        yield Left(words, partial(_explains_with, partial(_with_parameters, names)), names)
    yield Left("the lengths are those of {whose}", partial(_explains_with, _with_lengths))
    yield Left("a beyond the end of a sequence is what {whose} has returned there", _is_left_in_the_padding)


def _explains_with(
    change: Callable[[Answer, LayerInputs], LayerInputs], earlier: Answer, later: Answer
) -> bool:
    return explains_with(partial(change, earlier), later)


def _with_states(names: Sequence[str], earlier: Answer, inputs: LayerInputs) -> LayerInputs:
    """With those with which an earlier call has ended."""
    last: Mapping[str, Array] = {
        name: np.reshape(earlier.shown[f"{name[0]}_last"], getattr(inputs, name).shape) for name in names
    }
    return replace(inputs, **last)  # type: ignore[arg-type]


def _with_parameters(names: Sequence[str], earlier: Answer, inputs: LayerInputs) -> LayerInputs:
    every = zip(inputs.parameters, earlier.inputs.parameters, strict=True)
    return replace(
        inputs, parameters=[{**own, **{name: theirs[name] for name in names}} for own, theirs in every]
    )


def _with_lengths(earlier: Answer, inputs: LayerInputs) -> LayerInputs:
    return replace(inputs, lengths=earlier.inputs.lengths)


def _is_left_in_the_padding(earlier: Answer, later: Answer) -> bool:
    """Whether all is right, but for the padding, in which there is what an earlier call has returned."""
    right, within = later.right["a"], later.inputs.within
    a = Bounded(np.where(within, right.value, earlier.shown["a"]), np.where(within, right.error, 0))
    return is_answer(later, {**later.right, "a": a})


def _begun(inputs: LayerInputs, absent: Sequence[str] | None) -> LayerInputs:
    """With initial states as they are given, or zeros, of which some are absent."""
    if absent is None:
        return inputs
    return with_absent(replace(inputs, a0=0 * inputs.a0, c0=0 * inputs.c0), absent)
