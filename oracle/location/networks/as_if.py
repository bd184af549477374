"""Networks that answer as if something else were given, or that return what belongs elsewhere."""

from itertools import chain

from oracle.diagnosis.behaviour import Program
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.networks.answer import Answer, answer
from oracle.location.networks.layer_by_layer import of_single_directions, of_what_is_handed_on
from oracle.location.networks.mistaken import Mistaken, of_initial_states, of_lengths, of_samples
from oracle.location.networks.stacking import Stacking, are_of, condition, posed, stackings
from oracle.problem import LayerProblem
from reference.contract import CONTRACTS

SIZES = ((6, 5), (5, 4), (1, 3), (2, 4), (7, 6))
"""Samples and steps of what is asked."""


def as_if_given(
    function: str, program: Program, counterexample: LayerProblem, limits: Limits
) -> Location | None:
    """Which of some things that a network may take for others explains all that it answers.

    `None` if none does. It is asked some problems of each stacking.
    """
    left = _all_that_may_be(function, has_lengths=counterexample.lengths != "absent")
    wrong: list[Stacking] = []
    every = [*stackings(counterexample, limits)]
    for stacking in every:
        answers = _answers(function, program, counterexample, stacking, limits)
        if answers is None:
            return None
        if all(each.is_right for each in answers):
            continue
        wrong.append(stacking)
        left = [each for each in left if all(each.explains(answer) for answer in answers)]
        if not left:
            return None
    if not are_of(counterexample, wrong):
        return None
    found = left[0]
    when = condition(wrong, every, found.condition)
    return Location(found.where, when, found.how(wrong[0]), equations=[found.where])


def _answers(
    function: str, program: Program, problem: LayerProblem, stacking: Stacking, limits: Limits
) -> list[Answer] | None:
    """Those of one stacking; `None` if any has not the form of the contract."""
    lengths = problem.lengths if problem.lengths == "absent" or problem.weights else "random"
    answers = []
    for seed, sizes in enumerate(SIZES):
        seen = answer(function, program, posed(problem, stacking, sizes, lengths, seed, limits))
        if seen is None:
            return None
        answers.append(seen)
    return answers


def _all_that_may_be(function: str, *, has_lengths: bool) -> list[Mistaken]:
    states, outputs = [*CONTRACTS[function].arguments][1:], [*CONTRACTS[function].outputs]
    every = [of_initial_states(states), of_what_is_handed_on()]
    if has_lengths:
        every += [of_lengths(), of_single_directions(), of_samples(states, outputs)]
    return [*chain.from_iterable(every)]
