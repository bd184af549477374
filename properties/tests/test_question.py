"""A question has the answers of the witnesses to each problem."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from oracle.faults import FAULTS
from oracle.problems.problem import Problem, siblings
from oracle.witnesses import exact, pytorch
from oracle.witnesses.bounds import bounds_on
from properties.questions import question as module
from properties.questions.question import SMALL, Question
from properties.tests.one_law import InProcess, new_turn, violation_facts
from reference.contract import NETWORKS

PROBLEM = Problem.lstm(n_x=2, n_a=3, n_y=4, m=5, T_x=2)
FORWARD = "lstm_forward"


def test_the_witnesses_say_of_each_what_they_say_of_it_alone() -> None:
    question = Question(FORWARD, list(siblings(PROBLEM, 3)))
    for i, problem in enumerate(question.problems):
        inputs = problem.inputs(FORWARD)
        bounds, truth = bounds_on(inputs), exact.evaluate(inputs, radius=1e-20)
        for name, torch in pytorch.run(inputs).items():
            assert np.array_equal(question.witness[i][name], torch)
        for name in ("a", "c", "y"):
            assert np.array_equal(question.bounds[i][name].error, bounds[name].error)
            assert np.array_equal(question.exact[i][name], exact.midpoints(truth[name]))


def test_small_questions_are_kept_and_large_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = 4
    monkeypatch.setattr(module, "_cached_question", lru_cache(maxsize=kept)(Question))

    def asked(function: str = FORWARD, **changed: Any) -> Question:
        return Question.of(function, [replace(PROBLEM, **changed)])

    first = asked()
    assert asked() is first
    assert asked("lstm_cell_forward") is not first
    assert asked(m=SMALL) is not asked(m=SMALL)
    for seed in range(1, kept + 1):
        asked(seed=seed)
    assert asked() is not first


@pytest.mark.parametrize("law", ["trajectory", "each step", "cache entries"])
def test_a_network_that_torch_lacks_is_judged_by_the_formulas(
    law: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks: Any = NETWORKS
    monkeypatch.setitem(networks, "lstm", replace(NETWORKS["lstm"], torch=""))
    monkeypatch.setattr(module, "_cached_question", Question)
    for name in ("run", "gates"):
        monkeypatch.setattr(pytorch, name, None)
    wrong_backward, wrong = (InProcess(FAULTS[name]) for name in ("dc_not_carried", "tanh_for_sigmoid"))
    assert not violation_facts(new_turn(law, FORWARD, wrong_backward))
    facts: Any = violation_facts(new_turn(law, FORWARD, wrong))
    assert facts["wrong"] == ["implementation"]
    assert "torch" not in facts
