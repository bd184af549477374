"""A batch can be split into samples, which do not affect each other, and a sequence at any step."""

from functools import partial

import numpy as np

from oracle.backward_inputs import BY_SAMPLES
from oracle.rounding import Bounded
from properties.trials.law import EVERY, FORWARDS, SEQUENCES_BACKWARD, law
from properties.trials.trial import Trial


@law("spec", functions=EVERY)
def test_samples_independent(trial: Trial) -> None:
    """Some samples, in any order, get the answers that they get in the whole batch.

    Gradients with respect to parameters are sums over the samples, and are left out.
    """
    rng = np.random.default_rng(trial.problem.seed)
    samples = rng.permutation(trial.problem.m)[: rng.integers(trial.problem.m) + 1]
    inputs = trial.inputs.samples(samples)
    every, alone = trial.answer.outputs, trial.answer_to(inputs).outputs
    of_samples = [name for name in every if not trial.contract.is_backward or name in BY_SAMPLES]
    among = {name: every[name][:, samples] for name in of_samples}
    ours = {name: alone[name] for name in of_samples}
    trial.agree_with_itself(among, ours, inputs, partial(trial.bounds_of, samples), asked="those alone")


@law("spec", functions=FORWARDS)
def test_split(trial: Trial) -> None:
    """The first t steps alone give the same answer; for an RNN, so do the other steps from the state between.

    An LSTM always starts from a memory state of zeros, so only its first part is compared.
    """
    whole = trial.answer.outputs
    T_x = trial.problem.T_x
    t = int(np.random.default_rng(trial.problem.seed).integers(0, T_x)) + 1
    first = trial.inputs.span(0, t)
    parts = [(slice(0, t), first)]
    if trial.contract.kind == "rnn" and t < T_x:
        rest = trial.inputs.remaining_steps(t, whole["a"])
        parts.append((slice(t, T_x), rest))
    for steps, inputs in parts:
        part = trial.answer_to(inputs).outputs
        among = {name: array[:, :, steps] for name, array in whole.items() if array.shape[2] == T_x}
        trial.agree_with_itself(among, part, inputs, asked="in parts")


@law("spec", functions=SEQUENCES_BACKWARD)
def test_tail(trial: Trial) -> None:
    """The last steps alone have the same gradients; for an RNN, so have the first steps, given the rest."""
    inputs, whole, T_x = trial.inputs, trial.answer.outputs, trial.problem.T_x
    if T_x < 2:
        return
    t = int(np.random.default_rng(trial.problem.seed).integers(1, T_x))
    rest = inputs.span(t, T_x)
    tail = trial.answer_to(rest).outputs
    parts = [(rest, slice(t, T_x), {"dx": tail["dx"]})]
    if trial.contract.kind == "rnn":
        first = inputs.first_steps(t, tail["da0"][:, :, 0].astype(inputs.dtype))
        head = trial.answer_to(first).outputs
        parts.append((first, slice(0, t), {"dx": head["dx"], "da0": head["da0"]}))
    for part, steps, ours in parts:
        among = {name: whole[name][:, :, steps] if name == "dx" else whole[name] for name in ours}
        trial.agree_with_itself(among, ours, part, partial(_of_steps, trial, steps), asked="in parts")


def _of_steps(trial: Trial, steps: slice) -> dict[str, Bounded]:
    """The bounds on the gradients of some steps, which pass through all later steps."""
    return {"dx": trial.bounds["dx"][:, :, steps], "da0": trial.bounds["da0"]}
