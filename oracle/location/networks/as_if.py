"""Networks that answer as if something else were given, or that return what belongs elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, product

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.lengths import Lengths
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.begun import of_other_ends
from oracle.location.networks.gates import OF_GATES, of_stacked_gates
from oracle.location.networks.handed_on import of_what_is_given_above
from oracle.location.networks.in_padding import of_states_in_padding
from oracle.location.networks.layer_by_layer import SHORTER, of_single_directions
from oracle.location.networks.lengths import of_lengths, of_padding_in_front
from oracle.location.networks.mistaken import Mistaken
from oracle.location.networks.order import of_order
from oracle.location.networks.places import (
    of_axes_exchanged,
    of_initial_states,
    of_parameters,
    parameters_of,
)
from oracle.location.networks.read_at import of_last_states_read
from oracle.location.networks.samples import of_samples
from oracle.location.networks.stacking import (
    FEW,
    MANY_STEPS,
    SIZES,
    Stacking,
    and_larger,
    are_of,
    condition,
    posed,
    sizes_for,
)
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS

ELSEWHERE = (*SIZES[:FEW], (3, 3))
"""Samples and steps of what is asked with lengths where the counterexample has none, and the other way."""


def as_if_given(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """Which of some things that a network may take for others explains all that it answers.

    `None` if none does. It is asked some problems of each stacking, and the counterexample.
    """
    if not (counterexample.m and counterexample.T_x):
        return None
    has_lengths = counterexample.lengths != "absent"
    lengths: Lengths = "random" if has_lengths else "absent"
    of_other_lengths: Lengths = "absent" if has_lengths else "random"
    left = _all_that_may_be(function, has_lengths=has_lengths)
    wrong: list[Stacking] = []
    every = and_larger(counterexample, limits)
    answers = partial(_answers, function, program, counterexample, limits)
    for stacking in every:
        seen = answers(stacking, lengths, sizes_for(counterexample))
        if all(each and each.is_right for each in seen):
            continue
        wrong.append(stacking)
        left = [each for each in left if all(answer and each.explains(answer) for answer in seen)]
        if not left:
            return None
    itself = _of_finite_numbers(counterexample)
    asked = [itself]
    if left and not itself.weights:  # few units and features are in many orders
        asked += [replace(itself, n_a=itself.n_a + 3), replace(itself, n_x=itself.n_x + 3)]
    for problem in asked:
        inputs = problem.inputs(problem.kind)
        assert isinstance(inputs, LayerInputs)
        shown = answer(function, program, inputs)
        left = [each for each in left if not shown or each.explains(shown)]
    if len({each.how(wrong) for each in left if each.where == OF_GATES}) > 1:
        left = [each for each in left if each.where != OF_GATES]  # for sizes do not tell them apart
    if not left or not are_of(counterexample, wrong):
        return None
    elsewhere = {stacking: answers(stacking, of_other_lengths, ELSEWHERE) for stacking in every}
    with_others = [each for each in left if _explains_all(each, elsewhere.values())]
    with_three: dict[Stacking, Sequence[Answer | None]] = {}
    if not counterexample.weights and max(every)[0] == 2 and limits.layers > 2:
        with_three = {(3, D): answers((3, D), lengths, ELSEWHERE) for _, D in every}
    likely = with_others or left
    found = next((each for each in likely if _explains_all(each, with_three.values())), likely[0])
    if all(_tells(found, seen, is_wrong=(2, D) in wrong) for (_, D), seen in with_three.items()):
        every += [*with_three]
        wrong += [each for each, seen in with_three.items() if not all(one and one.is_right for one in seen)]
        elsewhere |= {each: answers(each, of_other_lengths, ELSEWHERE) for each in with_three}
    apart = [each for each in every if not all(seen and seen.is_right for seen in elsewhere[each])]
    given = _of_lengths(function, program, counterexample, limits, every, wrong if has_lengths else apart)
    if not found.condition and limits.lengths and not counterexample.weights:
        when = _when(wrong, elsewhere, given, has_lengths=has_lengths, explained=bool(with_others))
    else:
        others = [each for stacking in wrong for each in elsewhere[stacking]] if limits.lengths else []
        is_right = any(each and each.is_right and not found.explains(each) for each in others)
        is_wrong = not all(each and each.is_right for each in others)
        beside = given[has_lengths] if is_right else ""
        when = "" if is_right and is_wrong else condition(wrong, every, found.condition, beside)
    return Location(found.where, when, found.how(wrong), equations=[found.where])


def is_as_if(location: Location, function: str, program: Program, counterexample: LayerProblem) -> bool:
    """Whether what was said so of another counterexample explains the answer to this one, too."""
    stacking = counterexample.layers, counterexample.directions
    inputs = _of_finite_numbers(counterexample).inputs(function)
    assert isinstance(inputs, LayerInputs)
    shown = answer(function, program, inputs)
    every = _all_that_may_be(function, has_lengths=counterexample.lengths != "absent")
    told = (each for each in every if (each.where, each.how([stacking])) == (location.where, location.how))
    return bool(shown) and any(each.explains(shown) for each in told if shown)


def _tells(found: Mistaken, answers: Sequence[Answer | None], *, is_wrong: bool) -> bool:
    """Whether answers of more layers tell how far a mistake goes, which fewer make where these are wrong.

    They do not where all are right that it would make right, too, nor where they are wrong in another way.
    """
    is_right, explains = all(each and each.is_right for each in answers), _explains_all(found, [answers])
    return explains != is_right if is_wrong else explains or is_right


def _of_finite_numbers(problem: LayerProblem) -> LayerProblem:
    """The same, or one like it where some are not: of what NaN is made of nothing can be told."""
    return replace(problem, regime="unit") if problem.regime == "nonfinite" else problem


def _of_lengths(
    function: str,
    program: Program,
    problem: LayerProblem,
    limits: Limits,
    every: Sequence[Stacking],
    wrong: Sequence[Stacking],
) -> dict[bool, str]:
    """What is said of what is so where lengths are given, in some stackings, or where none are.

    If lengths that are those of x change nothing, a shorter one does; any, if one alone makes it wrong.
    """
    said = {True: "where lengths are given", False: "where no lengths are given"}
    for stacking, sizes in product(every, ELSEWHERE) if limits.lengths else ():
        inputs = posed(problem, stacking, sizes, "absent", 0, limits)
        whole = replace(inputs, lengths=inputs.ends)
        without, given = (answer(function, program, each) for each in (inputs, whole))
        if not without or not given or without.is_right != given.is_right:
            return said
    if limits.lengths:
        said[False] = "where no length is less than T_x"
    for stacking, sample in product(wrong, (0, -1)):
        inputs = posed(problem, stacking, SIZES[0], "absent", 0, limits)
        ends = inputs.ends.copy()
        ends[sample] -= 1
        shown = answer(function, program, replace(inputs, lengths=ends))
        if not shown or shown.is_right:
            return said
    return {**said, True: SHORTER} if limits.lengths else said


def _when(
    wrong: Sequence[Stacking],
    elsewhere: Mapping[Stacking, Sequence[Answer | None]],
    given: Mapping[bool, str],
    *,
    has_lengths: bool,
    explained: bool,
) -> str:
    """In which stackings it is wrong, and whether lengths have to be given or absent.

    Nothing, if it is not `explained` what is wrong there.
    """
    every = [*elsewhere]
    apart = [each for each in every if not all(seen and seen.is_right for seen in elsewhere[each])]
    if not {*apart} & {*wrong}:
        return condition(wrong, every, given[has_lengths])
    if {*apart} == {*wrong}:
        return condition(wrong, every)
    with_lengths, absent = (wrong, apart) if has_lengths else (apart, wrong)
    parts = [condition(absent, every), condition(with_lengths, every, given[True])]
    return ", or ".join(parts) if explained and all(parts) else ""


def _explains_all(mistaken: Mistaken, answers: Iterable[Sequence[Answer | None]]) -> bool:
    return all(answer and mistaken.explains(answer) for seen in answers for answer in seen)


def _answers(
    function: str,
    program: Program,
    problem: LayerProblem,
    limits: Limits,
    stacking: Stacking,
    lengths: Lengths,
    every_size: Sequence[tuple[int, int]],
) -> list[Answer | None]:
    """Those to problems of these sizes; of given lengths some are equal, and some near what a byte holds.

    Where lengths are given, half of the others are of the problem's own kind.
    """
    answers = []
    has_own = lengths != "absent" and problem.lengths != "absent"
    kinds: Sequence[Lengths] = [problem.lengths, lengths] if has_own else [lengths]
    for seed, sizes in enumerate(every_size):
        of_sizes = "equal" if (lengths, seed) == ("random", 1) else kinds[seed // 2 % len(kinds)]
        inputs = posed(problem, stacking, sizes, of_sizes, seed, limits)
        if inputs.lengths is not None and sizes == MANY_STEPS:
            inputs = replace(inputs, lengths=np.array([127, 128, sizes[1]]))
        answers.append(answer(function, program, inputs))
    return answers


def _all_that_may_be(function: str, *, has_lengths: bool) -> list[Mistaken]:
    states, outputs = [*CONTRACTS[function].arguments][1:], [*CONTRACTS[function].outputs]
    every = [
        of_order(),
        of_initial_states(states),
        of_other_ends(states),
        of_axes_exchanged(states),
        of_parameters(parameters_of(function)),
        of_last_states_read(),
        of_what_is_given_above(has_lengths=has_lengths),
    ]
    if CONTRACTS[function].kind == "lstm":
        every.append(of_stacked_gates())
    if has_lengths:
        every += [of_lengths(), of_padding_in_front(), of_single_directions(), of_samples(states, outputs)]
        every.append(of_states_in_padding(CONTRACTS[function].kind))
    return [*chain.from_iterable(every)]
