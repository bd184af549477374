"""Finds out whether a function is wrong only because of another: a forward pass by its cell, or gradients.

The gradients of a layer inherit a mistake if they are the derivatives of its wrong forward pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.questions import Scope, opening_problems, problems
from oracle.inputs import Inputs
from oracle.problem import LayerProblem, siblings
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation, Reply, Request, Returned
from properties.trials.trial import Trial
from reference import lstm_forward, rnn_forward
from reference.contract import CONTRACTS, Array, Contract

PROBLEMS = 4
"""The number of problems on which a law is checked to find out whether it holds on a cell."""

STEP, ALLOWED = 2.0**-8, 0.01
"""The step of a central difference, and its allowed relative error. Float32 arithmetic stays within it."""


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
    of_cell = problems(cell, counterexample.span(0, 1), Scope(program.limits))
    return not program.is_right(cell, [*of_cell, *_later_steps(counterexample, cell)])


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
    of_cell = siblings(replace(trial.problem, T_x=1), PROBLEMS)
    return not all(trial.holds_of(implementation, contract.cell, problem) for problem in of_cell)


class _WithRightCell(Implementation):
    """The same target in the same process, with a right cell. `used` says whether all calls used it."""

    def __init__(self, implementation: Implementation) -> None:
        self.__dict__ = vars(implementation)
        self.used = True

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """The replies to these requests with the right cell."""
        with_right_cell = [each.with_right_cell() for each in requests]
        replies = super().reply_each(with_right_cell, time_limit=time_limit)
        for reply in replies:
            self.used &= isinstance(reply.outcome, Returned) and reply.outcome.used_reference_cell
        return replies


def follows_wrong_forward(program: Program, problem: LayerProblem) -> bool:
    """Whether wrong gradients of a layer are the derivatives of its own forward pass, which is wrong, too.

    They are compared on two problems with ordinary numbers: the first that distinguishes mistakes, and one
    with the sizes and options of `problem`. On one of them the gradients and the forward pass must be wrong.
    """
    implementation, limits = program.implementation, program.limits
    contract = CONTRACTS[program.function]
    if contract.source not in implementation.load().functions or implementation.is_slow:
        return False
    first, _ = opening_problems(program.function, problem.network)
    posed = [limits.fitted(first), limits.fitted(replace(problem, regime="unit", dtype="float64"))]
    compared = [each.inputs(program.function) for each in posed]
    forward = [each.inputs(contract.source) for each in (*posed, problem)]
    if program.is_right(program.function, compared) or program.is_right(contract.source, forward):
        return False
    return all(_are_derivatives(implementation, contract, inputs) for inputs in compared)


def _are_derivatives(implementation: Implementation, contract: Contract, inputs: Inputs) -> bool:
    """Whether all gradients are those of the target's own forward pass."""
    arguments = inputs.arguments(contract.name)
    incoming = len(contract.arguments) - len(CONTRACTS[contract.source].arguments)
    given = arguments[incoming:]
    reply, *_ = implementation.reply_each([Request(contract.name, arguments)])
    if not isinstance(reply.outcome, Returned):
        return False
    rng, requests, predicted = np.random.default_rng(0), [], []
    try:
        *by_arguments, by_parameters = reply.outcome.value
        for at, gradients in _by_quantity(given, by_arguments, by_parameters):
            directions = [rng.standard_normal(each.shape) for each in gradients]
            terms = [each * direction for each, direction in zip(gradients, directions, strict=True)]
            predicted.append(
                (sum(map(np.sum, terms)), np.sqrt(sum(float(np.sum(each**2)) for each in terms)))
            )
            requests += [
                Request(contract.source, _shifted(given, at, directions, step)) for step in (STEP, -STEP)
            ]
        losses = [_loss(each.outcome, arguments[:incoming]) for each in implementation.reply_each(requests)]
    except (ValueError, TypeError, KeyError):  # gradients or answers of another form
        return False
    found = [(up - down) / (2 * STEP) for up, down in zip(losses[::2], losses[1::2], strict=True)]
    return all(
        abs(slope - value) <= ALLOWED * size for slope, (value, size) in zip(found, predicted, strict=True)
    )


def _by_quantity(
    given: Sequence[Any], by_arguments: Sequence[Array], by_parameters: Sequence[Any]
) -> Iterator[tuple[int | str, list[Array]]]:
    """The gradients with respect to each given array and each parameter of all layers."""
    for at, (array, gradient) in enumerate(zip(given[:-2], by_arguments, strict=True)):
        if array is not None:
            yield at, [gradient]
    for name in given[-2][0]:
        yield name, [each[f"d{name}"] for each in by_parameters]


def _shifted(given: Sequence[Any], at: int | str, directions: Sequence[Array], step: float) -> list[Any]:
    """The arguments of the forward pass, with one quantity shifted by a step in a direction."""
    *arrays, parameters, options = given
    if isinstance(at, int):
        arrays[at] = (arrays[at] + step * directions[0]).astype(arrays[at].dtype)
    else:
        parameters = [
            {**p, at: (p[at] + step * direction).astype(p[at].dtype)}
            for p, direction in zip(parameters, directions, strict=True)
        ]
    return [*arrays, parameters, options]


def _loss(outcome: Any, incoming: Sequence[Array]) -> float:
    """The loss of which `incoming` are the gradients. Raises `ValueError` if the call did not return."""
    if not isinstance(outcome, Returned):
        raise ValueError("the call did not return")
    pairs = zip(outcome.value, incoming, strict=True)
    return float(sum(np.sum(output * gradient, dtype=float) for output, gradient in pairs))
