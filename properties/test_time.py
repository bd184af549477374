"""A sequence is its steps one after the other: it can be split anywhere."""

import numpy as np

from properties.law import FORWARDS, law
from properties.trial import Trial


@law("spec", functions=FORWARDS)
def test_split(trial: Trial) -> None:
    """The first t steps alone, and for an RNN the rest from where they ended, give the same answer.

    An LSTM always starts from a memory state of zeros, so only its first part can be asked for.
    """
    whole = trial.answer().outputs
    T_x = trial.problem.T_x
    t = int(np.random.default_rng(trial.problem.seed).integers(0, T_x)) + 1
    first = trial.inputs.span(0, t)
    parts = [(slice(0, t), first)]
    if trial.contract.kind == "rnn" and t < T_x:
        parts.append((slice(t, T_x), trial.inputs.resumed(t, whole["a"])))
    for steps, inputs in parts:
        part = trial.answer(inputs).outputs
        among = {name: array[:, :, steps] for name, array in whole.items()}
        trial.agree_with_itself(among, part, inputs, asked="in parts")
