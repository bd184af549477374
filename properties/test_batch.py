"""Columns are samples, and no sample knows of another."""

import numpy as np

from properties.law import law
from properties.trial import Trial


@law("spec")
def test_samples_independent(trial: Trial) -> None:
    """Any samples in any order get the answers that they get in the whole batch."""
    whole = trial.answer().outputs
    rng = np.random.default_rng(trial.problem.seed)
    order = rng.permutation(trial.problem.m)
    for samples in (order, order[: (len(order) + 1) // 2]):
        inputs = trial.inputs.columns(samples)
        alone = trial.answer(inputs).outputs
        among = {name: array[:, samples] for name, array in whole.items()}
        trial.agree_with_itself(among, alone, inputs, asked="those alone")
