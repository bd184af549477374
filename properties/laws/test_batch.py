"""Columns are samples, and no sample knows of another."""

from functools import partial

import numpy as np

from properties.judged.law import EVERY, law
from properties.judged.trial import Trial


@law("spec", functions=EVERY)
def test_samples_independent(trial: Trial) -> None:
    """Any samples in any order get the answers that they get in the whole batch."""
    rng = np.random.default_rng(trial.problem.seed)
    samples = rng.permutation(trial.problem.m)[: rng.integers(trial.problem.m) + 1]
    inputs = trial.inputs.columns(samples)
    alone = trial.answer_to(inputs).outputs
    among = {name: array[:, samples] for name, array in trial.answer.outputs.items()}

    trial.agree_with_itself(among, alone, partial(trial.bounds_of, samples), inputs, asked="those alone")
