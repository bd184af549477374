"""Name a mistake that acts at random, by how its answers to one problem are spread."""

from collections.abc import Sequence

import numpy as np

from oracle.diagnosis.behaviour import Program, mistaken, same
from oracle.diagnosis.findings import Finding, mistake
from oracle.diagnosis.questions import problem
from oracle.faults import concerning
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from reference.contract import CONTRACTS, Array

ASKED = 500
SPREAD = 0.18
"""How far the distributions of so many answers may be apart: those of one program are once in 10**7 cases."""


def alike_at_random(
    function: str, implementation: Program, inputs: Inputs, limits: Limits = ANYTHING
) -> list[Finding]:
    """The mistakes that spread their answers to one problem as an implementation does that acts at random."""
    if not _changes_its_mind(implementation, inputs):
        return []
    # So small that few things can happen.
    two = {"layers": 2} if CONTRACTS[function].is_layer else {}
    few = limits.fitted(problem(function, n_x=1, n_a=1, n_y=2, m=1, T_x=1, **two)).inputs(function)
    ours = _answers(implementation, few)
    return [
        mistake(fault.name)
        for fault in concerning(function)
        if fault.group == "purity"
        and _changes_its_mind(mistaken(function, fault, limits), inputs)
        and _spread_alike(ours, _answers(mistaken(function, fault, limits), few))
    ]


def _changes_its_mind(program: Program, inputs: Inputs) -> bool:
    return not same(program(inputs).outputs, program(inputs).outputs)


def _answers(program: Program, inputs: Inputs) -> list[Array]:
    """The numbers in many answers to one problem."""
    answers = (program(inputs).outputs.values() for _ in range(ASKED))
    return [
        np.concatenate([[0.0], *(leaf.ravel() for leaf in answer if not isinstance(leaf, str))])
        for answer in answers
    ]


def _spread_alike(ours: Sequence[Array], theirs: Sequence[Array]) -> bool:
    """Whether the two-sample statistic of Kolmogorov and Smirnov is small for each of the numbers."""
    every = [*ours, *theirs]
    if len({numbers.size for numbers in every}) > 1:
        return False
    one, two = ((np.array(answers)[:, None] <= every).mean(axis=0) for answers in (ours, theirs))
    return bool(np.abs(one - two).max() < SPREAD)
