"""What was found out for one explanation is not found out again for another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from properties.explanations.claim_search import cached_location
from properties.explanations.explanation import Explanation, explain
from properties.explanations.program import Program
from properties.implementations.answers import Answers
from properties.implementations.calls import Request
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.questions.question import Question
from properties.trials.trial import Trial, ViolationError

pytestmark = pytest.mark.slow


class Recording(Implementation):
    """Counts its calls, and the processes that are started for them."""

    calls = 0
    closed = 0

    def reply_each(self, requests: Sequence[Request], **how: Any) -> Any:
        self.calls += len(requests)
        return super().reply_each(requests, **how)

    def end_process(self) -> None:
        self.closed += 1
        super().end_process()


SHRUNK = """
from reference import rnn_layer as right
def rnn_layer(x, a0, parameters, options):
    a, a_last = right(x, a0, parameters, options)
    return (0.9375 * a if options['directions'] == 2 else a), a_last
"""


class Compiling(Recording):
    """Takes long for each new shape."""

    is_slow = True


def test_a_layer_that_compiles_for_each_shape_is_not_asked_a_thousand(tmp_path: Path) -> None:
    (tmp_path / "shrunk.py").write_text(SHRUNK)
    with Compiling("shrunk.py", Settings(directory=tmp_path)) as target:
        problem = Problem.rnn_layer(n_x=1, n_a=2, m=2, T_x=2, directions=2)
        assert cached_location(Program(target, "rnn_layer"), problem, ANYTHING) is None
    assert target.calls == 0


OTHERWISE = """
from reference import lstm_cell_forward as right
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    name = "bi" if len(a_prev) == 1 else "bf"
    a, c, y, cache = right(xt, a_prev, c_prev, {**parameters, name: 2 * parameters[name]})
    return a, c, y, (*cache[:-1], parameters)
"""


def explained(target: Implementation, n_a: int) -> Explanation:
    """The explanation of why a cell is wrong on a problem."""
    problem = Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)
    (law,) = (each for each in all_laws() if each.name == "each step")
    trial = Trial(law, Answers(target, Question("lstm_cell_forward", [problem])), 0)
    with pytest.raises(ViolationError) as caught:
        law.check(trial)
    return explain(caught.value)


@pytest.mark.parametrize("number", ["2", "0.9375"])  # a mistake of the catalogue, and none
def test_a_mistake_that_predicts_another_failure_is_not_searched_again(tmp_path: Path, number: str) -> None:
    program = OTHERWISE.replace("bi", "bf").replace("2 *", f"{number} *")
    (tmp_path / "scaled.py").write_text(program)
    with Recording("scaled.py", Settings(directory=tmp_path)) as target:
        first = explained(target, 1)
        target.calls = target.closed = 0
        assert explained(target, 2) == first
        assert (target.calls, target.closed) == (2, 1)  # by the law itself, and in a new process
    assert first.claims[0].is_mistake or first.claims[0].facts["shown"]


def test_a_mistake_is_another_that_shows_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "otherwise.py").write_text(OTHERWISE)
    with Implementation("otherwise.py", Settings(directory=tmp_path)) as target:
        first, same, other = (explained(target, n_a) for n_a in (2, 3, 1))
    assert first == same
    assert first.claims[0].is_mistake
    assert other.claims != first.claims
