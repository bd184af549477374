"""Names mistakes that act at random, by the distribution of the answers to one problem."""

from collections.abc import Sequence

import numpy as np

from oracle.diagnosis.behaviour import Program, mistaken, same
from oracle.diagnosis.findings import Finding, mistake
from oracle.diagnosis.questions import problem
from oracle.faults import concerning
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from reference.contract import CONTRACTS, Array

ANSWERS = 500
"""The number of answers in a sample of a distribution."""
LARGEST_DISTANCE = 0.18
"""The largest Kolmogorov-Smirnov statistic of two samples of one distribution; 1 in 10**7 exceeds it."""


def random_mistakes(
    function: str, implementation: Program, inputs: Inputs, limits: Limits = ANYTHING
) -> list[Finding]:
    """The mistakes whose answers have the same distribution as the answers of the implementation."""
    if not _acts_at_random(implementation, inputs):
        return []
    # A small problem, which has few possible answers.
    two = {"layers": 2} if CONTRACTS[function].is_layer else {}
    few = limits.fitted(problem(function, n_x=1, n_a=1, n_y=2, m=1, T_x=1, **two)).inputs(function)
    ours = _answers(implementation, few)
    return [
        mistake(fault.name)
        for fault in concerning(function)
        if fault.group == "purity"
        and _acts_at_random(mistaken(function, fault, limits), inputs)
        and _have_same_distribution(ours, _answers(mistaken(function, fault, limits), few))
    ]


def _acts_at_random(program: Program, inputs: Inputs) -> bool:
    return not same(program(inputs).outputs, program(inputs).outputs)


def _answers(program: Program, inputs: Inputs) -> list[Array]:
    """The numbers in each of `ANSWERS` answers to one problem."""
    answers = (program(inputs).outputs.values() for _ in range(ANSWERS))
    return [
        np.concatenate([[0.0], *(leaf.ravel() for leaf in answer if not isinstance(leaf, str))])
        for answer in answers
    ]


def _have_same_distribution(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    """Whether the two-sample Kolmogorov-Smirnov statistic of each number is small."""
    every = [*ours, *theirs]
    if len({numbers.size for numbers in every}) > 1:
        return False
    one, two = ((np.array(answers)[:, None] <= every).mean(axis=0) for answers in (ours, theirs))
    return bool(np.abs(one - two).max() < LARGEST_DISTANCE)
