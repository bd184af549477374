"""What was found out for one explanation is not found out again for another."""

from pathlib import Path
from typing import Any

import pytest

import properties.explained.explanation
from oracle.problem import Problem
from properties.answered.answers import Answers
from properties.answered.implementation import Implementation
from properties.explained.asked import Asked
from properties.explained.explanation import Explanation, _explain, _located, explain
from properties.judged.tally import Tally
from properties.judged.trial import Trial
from properties.posed.question import Question


class Recording(Implementation):
    """Counts its calls and the processes that are started for them."""

    calls = 0
    closed = 0

    def call(self, *arguments: Any, **how: Any) -> Any:
        self.calls += 1
        return super().call(*arguments, **how)

    def close(self) -> None:
        self.closed += 1
        super().close()


DOUBLED = """
from reference import lstm_cell_forward as right
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    return right(xt, a_prev, c_prev, {**parameters, "bf": 2 * parameters["bf"]})
"""


def test_what_was_told_for_one_explanation_is_not_asked_for_another(tmp_path: Path) -> None:
    (tmp_path / "doubled.py").write_text(DOUBLED)
    ask: dict[str, Any] = {"extreme": False, "whole": False}
    with Recording("doubled.py", directory=tmp_path) as target:
        told = []
        for n_a in (1, 2, 2):
            problem = Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)
            told.append(_explain(Asked(target, "lstm_cell_forward"), problem, **ask))
            target.calls, calls = 0, target.calls
            assert calls == {0: calls, 1: 1, 2: 0}[len(told) - 1]
    assert told[0] == told[1] == told[2]
    assert told[0].looks_like


def test_a_mistake_is_located_once(tmp_path: Path) -> None:
    (tmp_path / "shrunk.py").write_text(
        "from reference import lstm_cell_forward as right\n"
        "def lstm_cell_forward(xt, a_prev, c_prev, parameters):\n"
        "    a, c, y, cache = right(xt, a_prev, c_prev, parameters)\n"
        "    return a, 0.9375 * c, y, (a, 0.9375 * c, *cache[2:])\n"
    )
    with Recording("shrunk.py", directory=tmp_path) as target:
        located = []
        for n_a in (1, 2):
            target.calls, problem = 0, Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)
            located.append(_located(Asked(target, "lstm_cell_forward"), problem))
            assert (target.calls == 1) == (n_a == 2)
    assert located[0]
    assert located[0] is located[1]


def test_who_replies_alike_is_explained_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.lstm(n_x=1, n_a=3, n_y=1, m=1, T_x=1)
    told = []
    for name in ("one.py", "other.py"):
        (tmp_path / name).write_text(DOUBLED)
        with Implementation(name, directory=tmp_path) as target:
            asked = Asked(target, "lstm_cell_forward")
            told.append(_explain(asked, problem, extreme=False, whole=False))
        monkeypatch.setattr(properties.explained.explanation, "_found_out", None)
    assert told[0] == told[1]
    with Implementation("reference") as target, pytest.raises(TypeError):
        _explain(Asked(target, "lstm_cell_forward"), problem, extreme=False, whole=False)


OTHERWISE = """
from reference import lstm_cell_forward as right
def lstm_cell_forward(xt, a_prev, c_prev, parameters):
    name = "bi" if len(a_prev) == 1 else "bf"
    a, c, y, cache = right(xt, a_prev, c_prev, {**parameters, name: 2 * parameters[name]})
    return a, c, y, (*cache[:-1], parameters)
"""


def explained(target: Implementation, n_a: int) -> Explanation:
    """Why a cell does not answer a problem, which it was asked, rightly."""
    problem = Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=1)
    trial = Trial(
        "trajectory",
        "spec",
        lambda _: None,
        Answers(target, Question("lstm_cell_forward", [problem])),
        0,
        Tally(),
    )
    _ = trial.answer
    return explain(trial)


def test_a_mistake_is_the_same_that_accounts_for_another_counterexample(tmp_path: Path) -> None:
    (tmp_path / "doubled.py").write_text(OTHERWISE.replace("bi", "bf"))
    with Recording("doubled.py", directory=tmp_path) as target:
        first = explained(target, 1)
        target.calls = target.closed = 0
        assert explained(target, 2) == first
        assert target.calls == target.closed == 0
    assert first.looks_like


def test_a_mistake_is_another_that_shows_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "otherwise.py").write_text(OTHERWISE)
    with Implementation("otherwise.py", directory=tmp_path) as target:
        first, same, other = (explained(target, n_a) for n_a in (2, 3, 1))
    assert first == same
    assert first.looks_like
    assert list(other.looks_like) != list(first.looks_like)
