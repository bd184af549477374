"""A right layer may round the states that it hands over otherwise than the states within a call."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import reference
from oracle.problems.problem import LayerProblem
from properties.implementations.answers import Answers
from properties.implementations.calls import Reply, Request, Returned
from properties.implementations.process_start import Settings
from properties.laws.test_layers import test_split_with_states as split_with_states
from properties.tests.one_law import decoded_body
from properties.tests.test_answers import Replies
from properties.trials.trial import Trial

PROBLEM = LayerProblem(
    "rnn_layer", n_x=2, n_a=1, m=6, T_x=4, layers=3, activation="relu", regime="wild", seed=290
)
"""The last states are several times as large as the states after the first step."""


class RoundedOtherwise(Replies):
    """The reference, whose last states after some of the steps are larger by a few rounding errors."""

    target = "rounded"
    settings = Settings()

    def reply_each(self, requests: Sequence[Request]) -> list[Reply]:
        replies = []
        for request in requests:
            arguments: list[Any] = decoded_body(request)[2]
            a, last = reference.rnn_layer(*arguments)
            if arguments[0].shape[2] < PROBLEM.T_x:
                last = last * (1 + 4 * np.finfo(float).eps)
            replies.append(Reply(Returned((a, last), arguments, False)))
        return replies


def test_states_that_are_rounded_otherwise_are_allowed() -> None:
    implementation: Any = RoundedOtherwise()
    trial = Trial(split_with_states.law, Answers.to_one(implementation, "rnn_layer", PROBLEM), 0)
    trial.law.check(trial)
