"""A layer is called step by step, from the states that it returned."""

from typing import Any

import numpy as np
import pytest

from oracle.problems.limits import ANYTHING
from oracle.problems.problem import LayerProblem
from properties.implementations.answer import MalformedError
from properties.implementations.answers import Answers
from properties.implementations.calls import Reply, Returned
from properties.laws.test_agreement import test_each_step as each_step
from properties.trials.trial import Trial
from properties.worker.manner import call_in_parts

EACH = [1, 1, 1]

ARGUMENTS: list[Any] = [np.arange(6.0).reshape(1, 2, 3), np.zeros((1, 1, 2)), [{}], {}]
"""Three steps of two samples, for a layer with one unit."""


def test_each_call_starts_from_the_states_of_the_call_before() -> None:
    values = call_in_parts(lambda step: (step[0], step[0].sum(axis=2) + step[1]), ARGUMENTS, EACH)
    assert [last.tolist() for _, last in values] == [[[[0, 3]]], [[[1, 7]]], [[[3, 12]]]]


def test_the_second_call_gets_the_array_that_the_first_returned() -> None:
    """A layer gets its last states; any other function gets the last step of its hidden states."""
    given: list[Any] = []

    def call(part: list[Any]) -> Any:
        given.append(part)
        return kept, last

    x, a0, *_ = ARGUMENTS
    kept, last = np.zeros((1, 2, 5)), np.ones_like(a0)
    call_in_parts(call, ARGUMENTS, [2, 1])
    assert given[1][1] is last
    call_in_parts(call, [x, a0[0], {}], [1, 2])
    assert given[3][1].base is kept
    assert [part[0].shape[2] for part in given] == [2, 1, 1, 2]


def test_a_state_that_is_not_returned_stays_what_it_was() -> None:
    x, a0, *rest = ARGUMENTS
    values = call_in_parts(lambda step: (step[0], step[2]), [x, a0, a0 + 1, *rest], EACH)
    assert [last.tolist() for _, last in values] == [[[[1, 1]]]] * 3


def test_an_answer_is_what_it_was_before_the_next_call() -> None:
    buffer = np.zeros((1, 1, 2))

    def call(step: list[Any]) -> Any:
        buffer[...] = step[0].sum()
        return step[0], buffer

    assert [last[0, 0, 0] for _, last in call_in_parts(call, ARGUMENTS, EACH)] == [3, 5, 7]


def test_a_state_has_no_wider_dtype_than_float64() -> None:
    given: list[np.dtype[Any]] = []

    def call(step: list[Any]) -> Any:
        given.append(step[1].dtype)
        return step[0], step[1].astype(np.longdouble)

    call_in_parts(call, ARGUMENTS, EACH)
    assert given == [np.float64] * 3


MALFORMED = [None, 7, (1, np.zeros(5)), (1, "state"), {"a": 1}, np.zeros((2, 1, 1, 2))]


@pytest.mark.parametrize("value", MALFORMED)
def test_nothing_is_called_after_a_malformed_answer(value: Any) -> None:
    right = ARGUMENTS[0][:, :, :1], ARGUMENTS[1]
    answers = [right, value, right]
    values = call_in_parts(lambda step: answers.pop(0), ARGUMENTS, EACH)
    assert len(values) == 2


class Liar:
    """A target whose process sends any value for the answers to all steps."""

    limits = ANYTHING

    def __init__(self, value: Any) -> None:
        self.value = value
        self.target = "liar"
        self.histories: Any = {}

    def reply_each(self, requests: Any) -> list[Reply]:
        return [Reply(Returned(self.value, [], False)) for _ in requests]


@pytest.mark.parametrize("value", [None, [], {}, [(np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))] * 3])
def test_as_many_answers_as_steps_are_required(value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = LayerProblem("rnn_layer", n_x=1, n_a=1, m=1, T_x=2)
    liar: Any = Liar(value)
    trial = Trial(each_step.law, Answers.to_one(liar, "rnn_layer", problem), 0)
    monkeypatch.setattr(trial, "_reply", lambda request: liar.reply_each([request])[0].outcome)
    with pytest.raises(MalformedError, match="next call"):
        trial.outputs_of_parts(problem.inputs("rnn_layer"), [1, 1])
