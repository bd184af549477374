"""Columns are samples, which do not affect each other."""

from functools import partial

import numpy as np

from oracle.backward_inputs import BY_SAMPLES
from properties.trials.law import EVERY, law
from properties.trials.trial import Trial


@law("spec", functions=EVERY)
def test_samples_independent(trial: Trial) -> None:
    """Some samples, in any order, get the answers that they get in the whole batch.

    Gradients with respect to parameters are sums over the samples, and are left out.
    """
    rng = np.random.default_rng(trial.problem.seed)
    samples = rng.permutation(trial.problem.m)[: rng.integers(trial.problem.m) + 1]
    inputs = trial.inputs.columns(samples)
    every, alone = trial.answer.outputs, trial.answer_to(inputs).outputs
    of_samples = [name for name in every if not trial.contract.is_backward or name in BY_SAMPLES]
    among = {name: every[name][:, samples] for name in of_samples}
    ours = {name: alone[name] for name in of_samples}
    trial.agree_with_itself(among, ours, inputs, partial(trial.bounds_of, samples), asked="those alone")
