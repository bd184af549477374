"""A right layer may round the states that it hands over otherwise than the states within a call."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import reference
from oracle.problems.problem import LayerProblem
from properties.implementations.answers import Answers
from properties.implementations.calls import Reply, Request, outcome_of
from properties.implementations.process_start import Settings
from properties.laws.test_parts import test_split as split
from properties.tests.test_answers import Replies
from properties.trials.trial import Trial

PROBLEM = LayerProblem(
    "rnn_layer", n_x=2, n_a=1, m=6, T_x=4, layers=3, activation="relu", regime="wild", seed=290
)
"""The last states are several times as large as the states after the first step."""


def rounded(arguments: list[Any]) -> Any:
    a, last = reference.rnn_layer(*arguments)
    return a, last * (1 + 4 * np.finfo(float).eps) if arguments[0].shape[2] < PROBLEM.T_x else last


class RoundedOtherwise(Replies):
    """The reference, whose last states after some of the steps are larger by a few rounding errors."""

    target = "rounded"
    settings = Settings()

    def reply_each(self, requests: Sequence[Request]) -> list[Reply]:
        return [Reply(outcome_of(rounded, each)) for each in requests]


def test_states_that_are_rounded_otherwise_are_allowed() -> None:
    implementation: Any = RoundedOtherwise()
    trial = Trial(split.law, Answers.to_one(implementation, "rnn_layer", PROBLEM), 0)
    trial.law.check(trial)
