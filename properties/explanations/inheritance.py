"""Finds out whether a function is wrong only because a function that it depends on is wrong.

A function that loops over time inherits the mistake of its cell. The gradients of a layer inherit the mistake
of its forward pass if they are the derivatives of that forward pass.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from oracle.explanations.problems import Scope, distinguishing_inputs, opening_problems
from oracle.problems.inputs import Inputs
from oracle.problems.problem import LayerProblem, siblings
from properties.explanations.program import Program, SameTarget
from properties.implementations.answer import MalformedError
from properties.implementations.answers import Answers
from properties.implementations.calls import Reply, Request, Returned
from properties.implementations.implementation import Implementation
from properties.trials.trial import Expected, Trial, ViolationError
from reference.contract import CONTRACTS, Array, Contract

CELL_PROBLEMS = 4
"""The number of problems on which `is_inherited` checks the law on the cell."""

COARSE, FINE = (2.0**-8, 0.01), (2.0**-16, 1e-6)
"""The step of a central difference, and its allowed relative error: in float32, and in float64."""


def is_inherited(trial: Trial) -> bool:
    """Whether a function is wrong only because its cell, or for gradients its forward pass, is wrong.

    A function that loops over time must be right with a right cell, in the trial, too, and must call the cell
    for each input. Its own cell must be wrong, or missing.
    """
    contract, implementation = trial.contract, trial.implementation
    program, with_right_cell = Program(implementation, contract.name), WithRightCell(implementation)
    if isinstance(trial.problem, LayerProblem) and contract.is_backward:
        widest: Any = program.limits.fitted(replace(trial.problem, dtype="float64"))
        return follows_wrong_forward(program, widest)
    if not contract.cell:
        return False
    many_inputs = distinguishing_inputs(contract.name, trial.inputs, Scope(program.limits))
    if not (replace(program, implementation=with_right_cell).is_right(many_inputs) and with_right_cell.used):
        return False
    if not trial.holds_for(with_right_cell) or not with_right_cell.used:
        return False
    if contract.cell not in implementation.load().functions:
        return True
    of_cell = distinguishing_inputs(contract.cell, trial.inputs.span(0, 1), Scope(program.limits))
    return not Program(implementation, contract.cell).is_right(of_cell) or _is_cell_wrong(trial)


def _is_cell_wrong(trial: Trial) -> bool:
    """Whether the cell is wrong by the law on problems of one step, or in a step of a forward pass."""
    implementation, cell = trial.implementation, trial.contract.cell
    first, *others = siblings(replace(trial.problem, T_x=1), CELL_PROBLEMS)
    if not all(trial.holds_for(implementation, cell, problem) for problem in (first, *others)):
        return True
    if trial.contract.is_backward:
        return False
    of_cell = Trial(trial.law, Answers.to_one(implementation, cell, first), 0)
    try:
        inputs, bounds = trial.steps
        of_cell.compare(of_cell.answer_to(inputs).outputs, Expected.of_formulas(bounds, inputs))
    except (ViolationError, MalformedError) as error:
        return getattr(error, "trial", None) is of_cell
    return False


class WithRightCell(SameTarget):
    """The same target in the same process, with a right cell. `used`: whether all calls used that cell."""

    __slots__ = ("used",)

    def __init__(self, implementation: Implementation) -> None:
        super().__init__(implementation)
        self.used = True

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """Send the requests, changed to use the right cell, and return the replies."""
        with_right_cell = [each.changed(with_right_cell=True) for each in requests]
        replies = self.implementation.reply_each(with_right_cell, time_limit=time_limit)
        for reply in replies:
            self.used &= isinstance(reply.outcome, Returned) and reply.outcome.used_right_cell
        return replies


def follows_wrong_forward(program: Program, problem: LayerProblem) -> bool:
    """Whether wrong gradients of a layer are the derivatives of its own forward pass, which is wrong, too.

    Both are compared on two problems with ordinary numbers: the first problem of the diagnosis, and `problem`
    in the regime `unit`. If the gradients are right on these two, `problem` itself is compared, with smaller
    allowed errors, since a mistake that only rare numbers show may be small. The gradients must be wrong on a
    compared problem. The forward pass must be wrong on one of the three problems.
    """
    implementation, limits = program.implementation, program.limits
    contract = CONTRACTS[program.function]
    if contract.source not in implementation.load().functions or implementation.is_slow:
        return False
    first, _ = opening_problems(program.function, problem.network)
    ordinary = [limits.fitted(first), limits.fitted(replace(problem, regime="unit", dtype="float64"))]
    compared, accuracy = [each.inputs(program.function) for each in ordinary], COARSE
    if program.is_right(compared):
        compared, accuracy = [problem.inputs(program.function)], FINE
    for_source = [each.inputs(contract.source) for each in (*ordinary, problem)]
    if program.is_right(compared) or replace(program, function=contract.source).is_right(for_source):
        return False
    return all(_are_derivatives(implementation, contract, inputs, *accuracy) for inputs in compared)


def _are_derivatives(
    implementation: Implementation, contract: Contract, inputs: Inputs, step: float, allowed_error: float
) -> bool:
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
            allowed.append(allowed_error * np.linalg.norm(terms))
            requests += [
                Request(contract.source, _shifted(forward_arguments, key, directions, shift))
                for shift in (step, -step)
            ]
        losses = [_loss(each.outcome, incoming) for each in implementation.reply_each(requests)]
    except (ValueError, TypeError, KeyError):  # the gradients or outputs have another form than specified
        return False
    with np.errstate(invalid="ignore"):  # a loss may be infinite
        slopes = np.subtract(losses[::2], losses[1::2]) / (2 * step)
        rounding = 1e-13 * np.abs(losses[::2]) / step  # by a loss in float64
        return bool(np.all(np.isfinite(slopes) & (np.abs(slopes - predicted) <= allowed + rounding)))


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
