"""Finds out whether a forward pass is wrong only because its cell is wrong."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.names import Scope, problems
from oracle.inputs import Inputs
from oracle.problem import siblings
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation, Reply, Request, Returned
from properties.trials.trial import Trial
from reference import lstm_forward, rnn_forward
from reference.contract import CONTRACTS

PROBLEMS = 4
"""The number of problems on which a law is checked to find out whether it holds on a cell."""


def is_inherited(program: Program, counterexample: Inputs) -> bool:
    """Whether a sequence and its cell are wrong, and the sequence is right with a right cell."""
    function = program.function
    if CONTRACTS[function].is_layer:
        return False  # a layer need not have a cell
    given = problems(function, counterexample, Scope(program.limits))
    for inputs in given:
        shown, used = program.with_right_cell(inputs)
        if not used or not shown.is_like(specification(function, program.limits)(inputs)):
            return False
    cell = CONTRACTS[function].cell
    if program.is_right(function, given):
        return False
    if cell not in program.implementation.load().functions:
        return True
    asked = problems(cell, counterexample.span(0, 1), Scope(program.limits))
    return not program.is_right(cell, [*asked, *_later_steps(counterexample, cell)])


def _later_steps(counterexample: Inputs, cell: str) -> list[Inputs]:
    """The steps of a right forward pass as one batch: a cell's mistake may show only in later states."""
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
    """As `is_inherited`, but checks the law in the dtype of the trial: float64 hides rounding mistakes."""
    contract, implementation = trial.contract, trial.implementation
    if contract.is_layer or contract.is_cell or contract.cell not in implementation.load().functions:
        return False
    with_right_cell = _WithRightCell(implementation)
    if not trial.holds_of(with_right_cell) or not with_right_cell.used:
        return False
    asked = siblings(replace(trial.problem, T_x=1), PROBLEMS)
    return not all(trial.holds_of(implementation, contract.cell, problem) for problem in asked)


class _WithRightCell(Implementation):
    """The same target in the same process, with a right cell. `used` says whether all calls used it."""

    def __init__(self, implementation: Implementation) -> None:
        self.__dict__ = vars(implementation)
        self.used = True

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """The replies to these requests with the right cell."""
        asked = [each.with_right_cell() for each in requests]
        replies = super().reply_each(asked, time_limit=time_limit)
        for reply in replies:
            self.used &= isinstance(reply.outcome, Returned) and reply.outcome.used_reference_cell
        return replies
