"""Networks that use what an earlier call has left: its states, its parameters, or what it returned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.limits import Limits
from oracle.location.networks.absent import with_absent
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.mistaken import are, explains_with, is_answer, some_of
from oracle.location.networks.places import groups, parameters_of
from oracle.location.networks.stacking import posed
from oracle.problem import LayerProblem
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array

SHAPE = (4, 5)
"""Samples and steps of what is asked."""


def left_behind(
    function: str, program: Program, counterexample: LayerProblem, anew: Callable[[], None], limits: Limits
) -> str:
    """Which initial states are what the call before has ended with, or which parameters are those of an
    earlier call, in words; empty if that is not known.

    `anew` makes the program forget all calls. It is asked twice in a new process, with states that are given,
    that are zeros, and that are absent.
    """
    states = [*CONTRACTS[function].arguments][1:]
    stacking = counterexample.layers, counterexample.directions
    every = [posed(counterexample, stacking, SHAPE, "absent", seed, limits) for seed in (1, 2, 3)]
    for words, absent in ("", None), (", where 0,", []), (", where absent,", states):
        one, two, three = (_begun(inputs, absent) for inputs in every)
        anew()
        first, second = answer(function, program, one), answer(function, program, two)
        if not first or not second or not first.is_right or second.is_right:
            continue
        left = {f"{name[0]}0": array for name, array in first.shown.items() if name != "a"}
        for names in some_of(states):
            change = partial(_with, {name: left[name] for name in names})
            if explains_with(change, second):
                return f"{' and '.join(names)}{words} {are(names)} what the call before has ended with"
        for names in groups(parameters_of(function)):
            if explains_with(partial(_with_parameters, names, one), second):
                third = answer(function, program, three)
                is_first = third and explains_with(partial(_with_parameters, names, one), third)
                whose = "the first call" if is_first else "an earlier call"
                return f"{', '.join(names)} {are(names)} those of {whose}"
    return _left_in_the_padding(function, program, counterexample, anew, limits)


def _left_in_the_padding(
    function: str, program: Program, counterexample: LayerProblem, anew: Callable[[], None], limits: Limits
) -> str:
    """That beyond the end of a sequence there is what the call before has returned there."""
    if counterexample.lengths == "absent":
        return ""
    stacking = counterexample.layers, counterexample.directions
    every = [posed(counterexample, stacking, SHAPE, "random", seed, limits) for seed in range(4)]
    is_so = False
    for one, two in pairwise(every):
        anew()
        first, second = answer(function, program, one), answer(function, program, two)
        if not first or not second or not first.is_right:
            return ""
        left = {**second.right, "a": Bounded(*(_filled(first, second, part) for part in ("value", "error")))}
        if not is_answer(second, left):
            return ""
        is_so |= not second.is_right
    return "a beyond the end of a sequence is what the call before has returned there" if is_so else ""


def _filled(first: Answer, second: Answer, part: str) -> Array:
    """The hidden states of a call, and in its padding those of the call before."""
    within = second.inputs.within
    return np.asarray(np.where(within, getattr(second.right["a"], part), getattr(first.right["a"], part)))


def _with_parameters(names: Sequence[str], earlier: LayerInputs, inputs: LayerInputs) -> LayerInputs:
    """With the parameters of earlier inputs under some names."""
    every = zip(inputs.parameters, earlier.parameters, strict=True)
    taken = [{**own, **{name: theirs[name] for name in names if name in own}} for own, theirs in every]
    return replace(inputs, parameters=taken)


def _begun(inputs: LayerInputs, absent: Sequence[str] | None) -> LayerInputs:
    """With initial states as they are given, or zeros, of which some are absent."""
    if absent is None:
        return inputs
    return with_absent(replace(inputs, a0=0 * inputs.a0, c0=0 * inputs.c0), absent)


def _with(states: Mapping[str, Array], inputs: LayerInputs) -> LayerInputs:
    return replace(
        inputs,
        **{name: np.reshape(array, getattr(inputs, name).shape) for name, array in states.items()},  # type: ignore[arg-type]
    )
