"""Whether a forward is wrong by its cell alone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.names import problems
from oracle.inputs import Inputs
from oracle.problem import siblings
from properties.explanations.probe import Asked
from properties.implementations.implementation import Implementation, Reply, Request, Returned
from properties.trials.trial import Trial
from reference import lstm_forward, rnn_forward
from reference.contract import CONTRACTS

SEEDS = 4
"""How many problems a cell is asked to find out whether a law holds of it."""


def is_inherited(ask: Asked, counterexample: Inputs) -> bool:
    """Whether a forward is wrong, its cell is, and it is right with a known-right cell in its place."""
    function = ask.function
    if CONTRACTS[function].is_layer:
        return False  # it need not have a cell
    given = problems(function, counterexample, limits=ask.limits)
    for inputs in given:
        shown, used = ask.with_right_cell(inputs)
        if not used or not shown.is_like(specification(function, ask.limits)(inputs)):
            return False
    cell = CONTRACTS[function].cell
    if ask.is_right(function, given):
        return False
    if cell not in ask.implementation.load().functions:
        return True
    asked = problems(cell, counterexample.span(0, 1), limits=ask.limits)
    return not ask.is_right(cell, [*asked, *_reached(counterexample, cell)])


def _reached(counterexample: Inputs, cell: str) -> list[Inputs]:
    """The later steps of a right forward as one batch: a cell may be wrong only in states that they reach."""
    if CONTRACTS[cell].is_backward or counterexample.x.shape[2] < 2:
        return []
    x, a0, parameters = counterexample.x, counterexample.a0, counterexample.parameters
    with np.errstate(all="ignore"):
        if counterexample.kind == "rnn":
            a, *_ = rnn_forward(x, a0, parameters)
            c = np.zeros((0, *a.shape[1:]))
        else:
            a, _, c, _ = lstm_forward(x, a0, parameters)
    return [counterexample.steps(a, c)]


def is_inherited_in_its_precision(trial: Trial) -> bool:
    """The same by the law itself, for what is right in float64: a wider precision hides what is rounded."""
    contract, implementation = trial.contract, trial.implementation
    if contract.is_layer or contract.is_cell or contract.cell not in implementation.load().functions:
        return False
    with_right_cell = _WithRightCell(implementation)
    if not trial.holds_of(with_right_cell) or not with_right_cell.used:
        return False
    asked = siblings(replace(trial.problem, T_x=1), SEEDS)
    return not all(trial.holds_of(implementation, contract.cell, problem) for problem in asked)


class _WithRightCell(Implementation):
    """The same target in the same process, with a known-right cell; whether all calls have `used` it."""

    def __init__(self, implementation: Implementation) -> None:
        self.__dict__ = vars(implementation)
        self.used = True

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """What comes of these calls with the right cell."""
        asked = [each.with_right_cell() for each in requests]
        replies = super().reply_each(asked, time_limit=time_limit)
        for reply in replies:
            self.used &= isinstance(reply.outcome, Returned) and reply.outcome.used_reference_cell
        return replies
