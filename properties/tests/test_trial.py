"""A trial asks an implementation that may die, and does not ask it for ever."""

from pathlib import Path
from typing import Any

import pytest

from oracle.problem import Problem
from properties.answered.answers import Answers
from properties.answered.implementation import Deaths, Died
from properties.explained.failure import Failure
from properties.judged.tally import Tally
from properties.judged.trial import PATIENCE, Trial, ViolationError
from properties.posed.question import Question


class Mortal:
    """An implementation that dies of every call."""

    target = "mortal"

    def __init__(self, died: Died) -> None:
        self.died = died
        self.deaths: dict[str, Deaths] = {}
        self.directory = Path()
        self.calls = 0

    def call_each(self, *_: Any, **__: Any) -> list[Died]:
        self.calls += 1
        return [self.died]


def die(implementation: Any, m: int) -> ViolationError:
    problem = Problem.rnn(n_x=1, n_a=1, n_y=1, m=m, T_x=1)
    trial = Trial(
        "shapes",
        "spec",
        lambda _: None,
        Answers(implementation, Question("rnn_forward", [problem])),
        0,
        Tally(),
    )
    with pytest.raises(ViolationError) as caught:
        _ = trial.answer
    return caught.value


@pytest.mark.parametrize(("died", "calls"), [(Died("crashed"), PATIENCE), (Died("hung", hung=True), 2)])
def test_what_dies_often_enough_is_not_called_any_more(died: Died, calls: int) -> None:
    implementation = Mortal(died)
    for _ in range(2 * PATIENCE):
        die(implementation, m=1)
    assert implementation.calls == calls


def test_the_smallest_problem_that_it_died_of_is_remembered() -> None:
    implementation = Mortal(Died("hung", hung=True))
    for m in (5, 3):
        die(implementation, m)
    message = Failure(die(implementation, m=1)).message
    assert "died       hung" in message
    assert "m=3" in message


def test_what_died_is_not_asked_again_to_explain_it() -> None:
    implementation = Mortal(Died("crashed"))
    assert "looks like" not in Failure(die(implementation, m=1)).message
    assert implementation.calls == 2  # the second time because anybody may have killed it
