"""What was found out for one explanation is not found out again for another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from oracle.problems.limits import ANYTHING
from oracle.problems.problem import Problem
from oracle.tests.strangers import LAYERS, PROGRAM
from properties.explanations.explanation import Explanation, cached_location, explain
from properties.explanations.program import Program
from properties.implementations.answers import Answers
from properties.implementations.calls import Request
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.questions.question import Question
from properties.trials.law import Grade, Law
from properties.trials.trial import Trial


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


def test_a_mistake_is_located_once(tmp_path: Path) -> None:
    (tmp_path / "shrunk.py").write_text(
        "from reference import lstm_cell_forward as right\n"
        "def lstm_cell_forward(xt, a_prev, c_prev, parameters):\n"
        "    a, c, y, cache = right(xt, a_prev, c_prev, parameters)\n"
        "    return a, 0.9375 * c, y, (a, 0.9375 * c, *cache[2:])\n"
    )
    with Recording("shrunk.py", Settings(directory=tmp_path)) as target:
        found = []
        for n_a in (1, 2):
            target.calls, problem = 0, Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)
            found.append(cached_location(Program(target, "lstm_cell_forward"), problem, ANYTHING))
            assert (target.calls == 1) == (n_a == 2)
    assert found[0]
    assert found[0] is found[1]


def test_what_a_network_takes_for_something_else_is_not_looked_for_again(tmp_path: Path) -> None:
    (tmp_path / "by_layer.py").write_text(LAYERS.replace("c0[k] if lstm", "c0[layer] if lstm"))
    with Recording("by_layer.py", Settings(directory=tmp_path)) as target:
        found, sizes = [], {"n_x": 2, "n_a": 2, "m": 2, "T_x": 3}
        target.call(
            "lstm_layer", Problem.lstm_layer(**sizes).arguments("lstm_layer")
        )  # so it compiles nothing
        for layers in (1, 2):
            target.calls, problem = 0, Problem.lstm_layer(**sizes, layers=layers, directions=2)
            found.append(cached_location(Program(target, "lstm_layer"), problem, ANYTHING))
            assert (target.calls == 1) == (layers == 2)
    assert found[0]
    assert found[0] is found[1]


@pytest.mark.parametrize("is_its_own", [False, True])
def test_what_is_located_of_a_cell_is_told_of_a_forward_that_is_wrong_by_it_alone(
    tmp_path: Path, is_its_own: bool
) -> None:
    """Takes a second: two mistakes are located."""
    program = PROGRAM.replace("c_next = ft * c_prev + it * cct", "c_next = ft * c_prev + 0.9375 * it * cct")
    if is_its_own:
        program = program.replace("a[:, :, t] = a_next", "a[:, :, t] = a_next * (t != 1)")
    (tmp_path / "shrunk.py").write_text(program)
    with Recording("shrunk.py", Settings(directory=tmp_path)) as target:
        found = []
        for function in ("lstm_cell_forward", "lstm_forward"):
            target.calls, problem = 0, Problem.lstm(n_x=2, n_a=2, n_y=2, m=2, T_x=3)
            found.append(cached_location(Program(target, function), problem, ANYTHING))
    assert found[0]
    assert (found[0] is found[1]) == (target.calls < 50) == (not is_its_own)


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


def test_a_layer_is_located_once_in_each_setting_that_counterexamples_have(tmp_path: Path) -> None:
    (tmp_path / "shrunk.py").write_text(SHRUNK)
    sizes = {"n_x": 1, "n_a": 2, "m": 2, "T_x": 2}
    with Recording("shrunk.py", Settings(directory=tmp_path)) as target:
        target.call("rnn_layer", Problem.rnn_layer(**sizes).arguments("rnn_layer"))  # so it compiles nothing
        found, calls = [], []
        for stacking in ({"directions": 2}, {"directions": 2, "layers": 2}, {"layers": 2}):
            target.calls, problem = 0, Problem.rnn_layer(**sizes, **stacking)
            found.append(cached_location(Program(target, "rnn_layer"), problem, ANYTHING))
            calls.append(target.calls)
    assert found[0]
    assert found[0].where.setting == ("beside a backward direction",)
    assert found[0] is found[1]
    assert calls[1] < 100 < calls[0]
    assert found[2] is None


OTHERWISE = """
from reference import lstm_cell_forward as right
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    name = "bi" if len(a_prev) == 1 else "bf"
    a, c, y, cache = right(xt, a_prev, c_prev, {**parameters, name: 2 * parameters[name]})
    return a, c, y, (*cache[:-1], parameters)
"""


def explained(target: Implementation, n_a: int, grade: Grade = "spec", **fields: Any) -> Explanation:
    """Why a cell does not answer a problem, which it was asked by a law of such a grade, rightly."""
    problem = Problem.lstm(**{"n_x": 1, "n_a": n_a, "n_y": 1, "m": 1, "T_x": 1, **fields})
    law = Law("trajectory", grade, lambda _: None)
    trial = Trial(law, Answers(target, Question("lstm_cell_forward", [problem])), 0)
    _ = trial.answer
    return explain(trial)


def test_a_mistake_is_the_same_that_accounts_for_another_counterexample(tmp_path: Path) -> None:
    (tmp_path / "doubled.py").write_text(OTHERWISE.replace("bi", "bf"))
    with Recording("doubled.py", Settings(directory=tmp_path)) as target:
        first = explained(target, 1)
        target.calls = target.closed = 0
        assert explained(target, 2) == first
        assert (target.calls, target.closed) == (1, 0)  # by the law itself
    assert first.claims[0].is_mistake


def test_a_mistake_is_another_that_shows_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "otherwise.py").write_text(OTHERWISE)
    with Implementation("otherwise.py", Settings(directory=tmp_path)) as target:
        first, same, other = (explained(target, n_a) for n_a in (2, 3, 1))
    assert first == same
    assert first.claims[0].is_mistake
    assert other.findings != first.claims
