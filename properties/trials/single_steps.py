"""Compares every step with the witness's, from the state that the implementation returned before it."""

from collections.abc import Mapping, Sequence

import numpy as np

from oracle.problems.inputs import BackwardInputs, Inputs, LayerInputs
from oracle.witnesses import own_steps
from oracle.witnesses.bounds import bounds_on
from oracle.witnesses.rounding import Bounded
from oracle.witnesses.verdict import FROM_OWN_GRADIENTS
from properties.implementations.answer import steps_as_samples
from properties.trials.trial import Expected, Trial
from reference.contract import Array


def compare_step_by_step(trial: Trial) -> None:
    """Compare every step with the witness's, within the bound of one step.

    If an LSTM returns only the last memory state, the function is called again on the steps as one batch,
    with memory states of zero.
    """
    if isinstance(trial.inputs, BackwardInputs):
        _compare_backward(trial, trial.inputs)
        return
    inputs: Inputs
    if isinstance(trial.inputs, LayerInputs):
        steps = trial.outputs_of_parts(trial.inputs, [1] * trial.inputs.x.shape[2])
        ours, inputs = joined_steps(trial.inputs, steps)
        bounds: Mapping[str, Bounded] = bounds_on(inputs)
    elif trial.answer.hides_memory:
        a = trial.answer.outputs["a"]
        inputs = trial.inputs.steps(a, np.zeros_like(a))
        ours, bounds = trial.answer_to(inputs).outputs, bounds_on(inputs)
    else:
        ours = {name: steps_as_samples(array) for name, array in trial.answer.outputs.items()}
        inputs, bounds = trial.steps
    if ours:
        question = trial.answers.question
        right = question.witness[trial.number] if inputs is trial.inputs else question.steps(inputs, bounds)
        trial.compare(ours, Expected(right, bounds, inputs, trial.inputs.x.shape[2], question.witness_name))


def _compare_backward(trial: Trial, inputs: BackwardInputs) -> None:
    """Compare every step of a backward pass, from the implementation's own gradient of the next step.

    A cell has one step, which is compared with torch's. Any other function is called again, on inputs with a
    row of x for each pre-activation, so that `dx` has the gradients with respect to the pre-activations.
    """
    if trial.contract.is_cell:
        trial.compare_with_torch()
        return
    with_rows = inputs.showing_each_step(trial.problem.seed)
    ours = trial.answer_to(with_rows).outputs
    bounds = own_steps.evaluate(with_rows, ours["dx"].astype(np.float64))
    formulas = {name: bounded.value for name, bounded in bounds.items()}
    network = "the problem with an input for each pre-activation"
    trial.compare(ours, Expected(formulas, bounds, with_rows, 1, FROM_OWN_GRADIENTS, network=network))


def joined_steps(
    inputs: LayerInputs, steps: Sequence[Mapping[str, Array]]
) -> tuple[Mapping[str, Array], LayerInputs]:
    """Every quantity of the `steps` of layers as `(n, m T_x, 1)`, and the inputs of all steps as one batch.

    `steps` are the outputs of one call after the other, each from the states that the call before returned.
    If there are no steps, there are no quantities.
    """
    if not steps:
        return {}, inputs
    initial_states = []
    for name, first in (("a_last", inputs.a0), ("c_last", inputs.c0)):
        states = [first, *(step[name].reshape(first.shape) if name in step else first for step in steps[:-1])]
        rows_and_columns = *first.shape[:2], first.shape[2] * len(steps)
        initial_states.append(np.stack(states, axis=3).reshape(rows_and_columns))
    ours = {name: np.concatenate([step[name] for step in steps], axis=2) for name in steps[0]}
    batch = inputs.single_steps(*initial_states)
    return {name: steps_as_samples(array) for name, array in ours.items()}, batch
