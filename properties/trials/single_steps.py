"""Compares every step with torch's, from the state that the implementation returned for the step before."""

from collections.abc import Callable, Mapping

import numpy as np

from oracle import backward_own_steps, propagation
from oracle.backward_inputs import BackwardInputs
from oracle.inputs import Inputs, LayerInputs
from oracle.rounding import Bounded
from oracle.verdict import FROM_OWN_NEXT_GRADIENT
from properties.implementations.answer import steps_as_samples
from properties.trials.trial import Expected, Trial
from reference.contract import Array


def compare_step_by_step(trial: Trial) -> None:
    """Compare every step with torch's, within the bound of one step.

    If an LSTM returns only the last memory state, the function is called again on the steps as one batch,
    with memory states of zero.
    """
    if isinstance(trial.inputs, BackwardInputs):
        _compare_backward(trial, trial.inputs)
        return
    inputs: Inputs
    if isinstance(trial.inputs, LayerInputs):
        ours, inputs = step_through(trial.inputs, lambda step: trial.answer_to(step).outputs)
        bounds: Mapping[str, Bounded] = propagation.evaluate(inputs)
    elif trial.answer.hides_memory:
        a = trial.answer.outputs["a"]
        inputs = trial.inputs.steps(a, np.zeros_like(a))
        ours, bounds = trial.answer_to(inputs).outputs, propagation.evaluate(inputs)
    else:
        ours = {name: steps_as_samples(array) for name, array in trial.answer.outputs.items()}
        inputs, bounds = trial.steps
    if ours:
        from oracle import pytorch

        question = trial.answers.question
        torchs = question.witness[trial.number] if inputs is trial.inputs else pytorch.run(inputs)
        trial.compare(ours, Expected(torchs, bounds, inputs, steps=trial.inputs.x.shape[2]))


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
    bounds = backward_own_steps.evaluate(with_rows, ours["dx"].astype(np.float64))
    formulas = {name: bounded.value for name, bounded in bounds.items()}
    trial.compare(ours, Expected(formulas, bounds, with_rows, witness_name=FROM_OWN_NEXT_GRADIENT))


def step_through(
    inputs: LayerInputs, call: Callable[[LayerInputs], Mapping[str, Array]]
) -> tuple[Mapping[str, Array], LayerInputs]:
    """Call a layer for each step, from the states that the call before returned.

    `call` returns the outputs of one step. Returns every quantity as `(n, m T_x, 1)`, and the inputs of all
    steps as one batch. If there are no steps, there are no quantities.
    """
    a, c, T_x = inputs.a0, inputs.c0, inputs.x.shape[2]
    if not T_x:
        return {}, inputs
    initial_states, steps = [], []
    for t in range(T_x):
        initial_states.append((a, c))
        outputs = call(inputs.single_step(t, a, c))
        steps.append({name: array[:, :, 0] for name, array in outputs.items()})
        a = outputs["a_last"].reshape(a.shape)
        c = outputs["c_last"].reshape(c.shape) if "c_last" in outputs else c
    every_a, every_c = (
        np.stack(states, axis=3).reshape(*states[0].shape[:2], a.shape[2] * T_x)
        for states in zip(*initial_states, strict=True)
    )
    ours = {name: steps_as_samples(np.stack([step[name] for step in steps], axis=2)) for name in steps[0]}
    return ours, inputs.single_steps(every_a, every_c)
