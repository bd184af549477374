"""Networks that use what an earlier call has left: its states, parameters or lengths, or what it returned."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.mistaken import are, explains_with, is_answer, some_of
from oracle.location.networks.places import are_of_the_first_alike, groups, parameters_of
from oracle.location.networks.stacking import Stacking, posed
from oracle.location.networks.which_call import Calls, Explains, whose_it_is
from oracle.problem import LayerProblem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array

SHAPE = (4, 5)
"""Samples and steps of what is asked."""


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
    settings: list[tuple[str, Lengths, Sequence[str] | None]] = [
        ("", "absent", None),
        (", where 0,", "absent", []),
        (", where absent,", "absent", states),
    ]
    if limits.lengths:
        settings.append((", where lengths are given,", "random", None))
    problem = replace(counterexample, m=SHAPE[0], T_x=SHAPE[1])
    for where, lengths, absent in settings:
        calls = Calls(partial(answer, function, program), anew, limits, lengths, absent)
        three = [calls.like(problem, seed) for seed in range(1, 4)]
        first, second, third = calls.answers(three)
        if not first or not second or not third or not first.is_right or second.is_right:
            continue
        parameters = [name for name in parameters_of(function) if name in first.inputs.parameters[0]]
        every_left = _left(states, where, parameters)
        left = next((each for each in every_left if each.explains(first, second)), None)
        if not left:
            continue
        several = posed(problem, _several(problem, limits), SHAPE, "absent", 1, limits)
        if left.parameters and _are_of_the_first_alike(left.parameters, *calls.answers([several])):
            return left.words.format(whose="the first layer and direction of its shapes, in any call")
        return left.words.format(whose=whose_it_is(calls, problem, left.explains, (first, second, third)))
    return ""


def _several(problem: LayerProblem, limits: Limits) -> Stacking:
    """Two layers in two directions, as far as they may be."""
    if problem.weights:
        return problem.layers, problem.directions
    return min(2, limits.layers), min(2, limits.directions)


def _are_of_the_first_alike(names: Sequence[str], shown: Answer | None) -> bool:
    """Whether they are kept from one layer or direction to the next in a first call."""
    return shown is not None and not shown.is_right and are_of_the_first_alike(names, shown)


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
