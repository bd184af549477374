"""A sequence is its steps one after the other: it can be split anywhere."""

from functools import partial

import numpy as np

from oracle import propagation
from properties.judged.law import FORWARDS, law
from properties.judged.trial import Bounds, Trial


@law("spec", functions=FORWARDS)
def test_split(trial: Trial) -> None:
    """The first t steps alone, and for an RNN the rest from where they ended, give the same answer.

    An LSTM always starts from a memory state of zeros, so only its first part can be asked for.
    """
    whole = trial.answer.outputs
    T_x = trial.problem.T_x
    t = int(np.random.default_rng(trial.problem.seed).integers(0, T_x)) + 1
    first = trial.inputs.span(0, t)
    bounds: Bounds = partial(trial.bounds_of, slice(None), slice(0, t))
    parts = [(slice(0, t), first, bounds)]
    if trial.contract.kind == "rnn" and t < T_x:
        rest = trial.inputs.resumed(t, whole["a"])
        parts.append((slice(t, T_x), rest, partial(propagation.evaluate, rest)))
    for steps, inputs, bounds in parts:
        part = trial.answer_to(inputs).outputs
        among = {name: array[:, :, steps] for name, array in whole.items() if array.shape[2] == T_x}
        trial.agree_with_itself(among, part, bounds, inputs, asked="in parts")
