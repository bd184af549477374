"""Finds out whether a function is wrong only because a function that it depends on is wrong.

A function that loops over time inherits the mistake of its cell. The gradients of a layer inherit the mistake
of its forward pass if they are the derivatives of that forward pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.problems import Scope, distinguishing_inputs, opening_problems
from oracle.inputs import Inputs
from oracle.problem import LayerProblem, siblings
from properties.explanations.program import Program
from properties.implementations.calls import Reply, Request, Returned
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial
from reference import lstm_forward, rnn_forward
from reference.contract import CONTRACTS, Array, Contract

CELL_PROBLEMS = 4
"""The number of problems on which `is_inherited_in_dtype` checks the law on the cell."""

STEP, ALLOWED_ERROR = 2.0**-8, 0.01
"""The step of a central difference, and its allowed relative error, which float32 does not exceed."""


def is_inherited(program: Program, counterexample: Inputs) -> bool:
    """Whether the function and its cell are wrong, and the function is right if it calls a right cell."""
    function = program.function
    if CONTRACTS[function].is_layer:
        return False  # a layer need not have a cell
    many_inputs = distinguishing_inputs(function, counterexample, Scope(program.limits))
    for inputs in many_inputs:
        answer, is_cell_used = program.with_right_cell(inputs)
        if not is_cell_used or not answer.is_like(specification(function, program.limits)(inputs)):
            return False
    cell = CONTRACTS[function].cell
    if program.is_right(function, many_inputs):
        return False
    if cell not in program.implementation.load().functions:
        return True
    of_cell = distinguishing_inputs(cell, counterexample.span(0, 1), Scope(program.limits))
    return not program.is_right(cell, [*of_cell, *_later_steps(counterexample, cell)])


def _later_steps(counterexample: Inputs, cell: str) -> list[Inputs]:
    """Return all steps of a right forward pass as one batch. Some mistakes show only on later states."""
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


def is_inherited_in_dtype(trial: Trial) -> bool:
    """Like `is_inherited`, but by the law in the dtype of the trial: float64 hides mistakes of rounding."""
    contract, implementation = trial.contract, trial.implementation
    if contract.is_layer or contract.is_cell or contract.cell not in implementation.load().functions:
        return False
    with_right_cell = _WithRightCell(implementation)
    if not trial.holds_for(with_right_cell) or not with_right_cell.used:
        return False
    for_cell = siblings(replace(trial.problem, T_x=1), CELL_PROBLEMS)
    return not all(trial.holds_for(implementation, contract.cell, problem) for problem in for_cell)


class _WithRightCell(Implementation):
    """The same target in the same process, with a right cell. `used`: whether all calls used that cell."""

    def __init__(self, implementation: Implementation) -> None:
        self.__dict__ = vars(implementation)
        self.used = True

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """Send the requests, changed to use the right cell, and return the replies."""
        with_right_cell = [each.with_right_cell() for each in requests]
        replies = super().reply_each(with_right_cell, time_limit=time_limit)
        for reply in replies:
            self.used &= isinstance(reply.outcome, Returned) and reply.outcome.used_reference_cell
        return replies


def follows_wrong_forward(program: Program, problem: LayerProblem) -> bool:
    """Whether wrong gradients of a layer are the derivatives of its own forward pass, which is wrong, too.

    Both are compared on two problems with ordinary numbers: the first problem of the diagnosis, and `problem`
    in the regime `unit`. The gradients must be wrong on one of the two. The forward pass must be wrong on one
    of the two, or on `problem`.
    """
    implementation, limits = program.implementation, program.limits
    contract = CONTRACTS[program.function]
    if contract.source not in implementation.load().functions or implementation.is_slow:
        return False
    first, _ = opening_problems(program.function, problem.network)
    ordinary = [limits.fitted(first), limits.fitted(replace(problem, regime="unit", dtype="float64"))]
    compared = [each.inputs(program.function) for each in ordinary]
    forward = [each.inputs(contract.source) for each in (*ordinary, problem)]
    if program.is_right(program.function, compared) or program.is_right(contract.source, forward):
        return False
    return all(_are_derivatives(implementation, contract, inputs) for inputs in compared)


def _are_derivatives(implementation: Implementation, contract: Contract, inputs: Inputs) -> bool:
    """Whether the gradients of a layer agree with central differences of the target's own forward pass.

    Each argument and each parameter is shifted in one random direction.
    """
    arguments = inputs.arguments(contract.name)
    n_incoming = len(contract.arguments) - len(CONTRACTS[contract.source].arguments)
    incoming, forward_arguments = arguments[:n_incoming], arguments[n_incoming:]
    reply, *_ = implementation.reply_each([Request(contract.name, arguments)])
    if not isinstance(reply.outcome, Returned):
        return False
    rng, requests, predicted, allowed = np.random.default_rng(0), list[Request](), [], []
    try:
        *by_arguments, by_parameters = reply.outcome.value
        for key, gradients in _gradients_by_key(forward_arguments, by_arguments, by_parameters):
            directions = [rng.standard_normal(each.shape) for each in gradients]
            terms = np.concatenate([(g * d).ravel() for g, d in zip(gradients, directions, strict=True)])
            predicted.append(np.sum(terms))
            allowed.append(ALLOWED_ERROR * np.linalg.norm(terms))
            requests += [
                Request(contract.source, _shifted(forward_arguments, key, directions, step))
                for step in (STEP, -STEP)
            ]
        losses = [_loss(each.outcome, incoming) for each in implementation.reply_each(requests)]
    except (ValueError, TypeError, KeyError):  # the gradients or outputs have another form than specified
        return False
    with np.errstate(invalid="ignore"):  # a loss may be infinite
        slopes = np.subtract(losses[::2], losses[1::2]) / (2 * STEP)
        return bool(np.all(np.abs(slopes - predicted) <= allowed))


def _gradients_by_key(
    forward_arguments: Sequence[Any], by_arguments: Sequence[Array], by_parameters: Sequence[Any]
) -> Iterator[tuple[int | str, list[Array]]]:
    """Yield the position of each argument and the name of each parameter, with its gradients by layer."""
    for position, (array, gradient) in enumerate(zip(forward_arguments[:-2], by_arguments, strict=True)):
        if array is not None and gradient is not None:
            yield position, [gradient]
    for name in forward_arguments[-2][0]:
        yield name, [each[f"d{name}"] for each in by_parameters]


def _shifted(
    forward_arguments: Sequence[Any], key: int | str, directions: Sequence[Array], step: float
) -> list[Any]:
    """Return the arguments, with `step * directions` added to the argument or the parameters at a key."""
    *arrays, parameters, options = forward_arguments
    if isinstance(key, int):
        arrays[key] = (arrays[key] + step * directions[0]).astype(arrays[key].dtype)
    else:
        parameters = [
            {**p, key: (p[key] + step * direction).astype(p[key].dtype)}
            for p, direction in zip(parameters, directions, strict=True)
        ]
    return [*arrays, parameters, options]


def _loss(outcome: Any, incoming: Sequence[Array]) -> float:
    """Return the sum of all outputs times their incoming gradients. Raises `ValueError` without outputs."""
    if not isinstance(outcome, Returned):
        raise ValueError("the call did not return")
    pairs = zip(outcome.value, incoming, strict=True)
    return float(sum(np.sum(output * gradient, dtype=float) for output, gradient in pairs))
