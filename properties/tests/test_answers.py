"""A function is called once on all problems of a question, even if some calls die or return nonsense."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pytest

import reference
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import LayerProblem, Problem, siblings
from oracle.witnesses.bounds import bounds_on
from properties.implementations import answers as module
from properties.implementations.answers import Answers, answers_to
from properties.implementations.calls import CallHistory, Died, Raised, Reply, Request, Returned
from properties.questions.question import SMALL, Question
from properties.trials.single_steps import joined_steps
from properties.worker.manner import call_in_parts

PROBLEM = Problem.lstm(n_x=2, n_a=3, n_y=4, m=5, T_x=2)


class Replies:
    """An implementation that answers as the reference does, except in some calls."""

    limits = ANYTHING
    slowest_seconds = 0.0
    histories: ClassVar[Any] = defaultdict(CallHistory)

    def __init__(self, **instead: Any) -> None:
        self._instead = {int(name.removeprefix("call_")): reply for name, reply in instead.items()}
        self.requests: list[int] = []
        self._calls = 0

    def reply_each(self, requests: Sequence[Request]) -> list[Reply]:
        self.requests.append(len(requests))
        replies: list[Reply] = []
        for request in requests:
            arguments = request.arguments
            right = Returned(getattr(reference, request.function)(*arguments), arguments, False)
            replies.append(Reply(self._instead.get(self._calls, right)))
            self._calls += 1
            if replies[-1].is_death:
                break
        return replies


def answers(implementation: Any, count: int = 4) -> Answers:
    return Answers(implementation, Question("lstm_forward", list(siblings(PROBLEM, count))))


def test_all_are_asked_together_and_once() -> None:
    implementation = Replies()
    posed = answers(implementation)
    for _ in range(2):
        assert all(isinstance(posed.reply(i).outcome, Returned) for i in range(4))
    assert implementation.requests == [4]
    assert len({posed.answer(i).outputs["a"].tobytes() for i in range(4)}) == 4


def test_after_a_death_the_others_are_asked_when_their_turn_comes() -> None:
    implementation = Replies(call_1=Died("crashed"))
    posed = answers(implementation)
    assert isinstance(posed.reply(0).outcome, Returned)
    assert posed.reply(1).outcome == Died("crashed")
    assert isinstance(posed.reply(2).outcome, Returned)
    assert implementation.requests == [4, 2]
    assert isinstance(posed.reply(1).outcome, Returned)  # called again: a death may be an accident


@pytest.mark.parametrize("odd", [Raised("ValueError", "", ""), Returned(None, [], False)])
def test_the_steps_of_one_are_bounded_whatever_another_answered(odd: Raised | Returned) -> None:
    posed = answers(Replies(call_1=odd))
    for i in (0, 2, 3):
        posed.reply(i)
        inputs, bounds = posed.steps(i)
        answer = posed.answer(i)
        alone = posed.question.inputs[i].steps(answer.outputs["a"], answer.memory)
        assert np.array_equal(inputs.a0, alone.a0)
        expected = bounds_on(alone)
        assert all(np.array_equal(bounds[name].error, expected[name].error) for name in expected)


def test_a_single_step_has_the_bounds_of_the_whole() -> None:
    question = Question("lstm_forward", list(siblings(replace(PROBLEM, T_x=1), 3)))
    posed: Any = Answers(Replies(), question)  # type: ignore[arg-type]
    posed.reply(0)
    assert [posed.steps(i) for i in range(3)] == list(zip(question.inputs, question.bounds, strict=True))


def test_small_examples_are_posed_once_and_large_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 4
    monkeypatch.setattr(module, "_cached_answers", lru_cache(maxsize=kept)(Answers))
    implementation: Any = Replies()

    def posed(function: str = "rnn_forward", **changed: Any) -> Answers:
        return answers_to(implementation, function, [replace(PROBLEM, **changed)])

    first = posed()
    assert posed() is first
    assert posed("lstm_forward") is not first
    assert posed(m=SMALL) is not posed(m=SMALL)
    for seed in range(1, kept + 1):
        posed(seed=seed)
    assert posed() is not first


LAYER = LayerProblem("rnn_layer", n_x=2, n_a=3, m=2, T_x=4, layers=2, directions=2)


def test_each_step_of_a_layer_is_called_from_its_own_states() -> None:
    inputs = LAYER.inputs("rnn_layer")
    arguments = inputs.arguments("rnn_layer")
    values = call_in_parts(lambda step: reference.rnn_layer(*step), arguments, [1] * LAYER.T_x)
    assert len(values) == LAYER.T_x
    steps = [{"a": a, "a_last": last.reshape(-1, LAYER.m, 1)} for a, last in values]
    ours, single = joined_steps(inputs, steps)
    a = inputs.a0
    for t in range(LAYER.T_x):
        place = slice(t, None, LAYER.T_x)
        assert np.array_equal(single.a0[:, :, place], a)
        _, a = reference.rnn_layer(*replace(inputs.span(t, t + 1), a0=a).arguments("rnn_layer"))
        assert np.array_equal(ours["a_last"][:, place, 0], a.reshape(-1, LAYER.m))
    assert joined_steps(replace(LAYER, T_x=0).inputs("rnn_layer"), [])[0] == {}
