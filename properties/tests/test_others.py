"""A failure is made small in the way of others who found the same, and of nobody else."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis.database import InMemoryExampleDatabase

from oracle.problem import Problem
from oracle.tests.strangers import PROGRAM
from properties.answered.implementation import Implementation
from properties.judged.tally import Tally
from properties.judged.trial import ViolationError
from properties.laws import all_laws
from properties.stored.store import Store
from properties.turns.others import COUNTEREXAMPLES
from properties.turns.turn import Turn

LAW = next(law for law in all_laws() if law.name == "extreme magnitudes")
RIGHT = "np.exp(z - np.max(z, axis=0, keepdims=True))"
ONE_MAXIMUM, UNSHIFTED = "np.exp(z - np.max(z))", "np.exp(z)"

Found = tuple[Problem, int]
"""A counterexample, and the problems that were tried until it was found."""


@pytest.fixture
def find(tmp_path: Path) -> Callable[[str], Found]:
    """Judges targets by one law of their own, one after the other, each with a softmax of this numerator."""

    def check(trial: Any) -> None:
        LAW.check(trial)

    def fails(numerator: str) -> Found:
        assert RIGHT in PROGRAM
        (tmp_path / "target.py").write_text(PROGRAM.replace(RIGHT, numerator))
        store = Store(InMemoryExampleDatabase(), "target.py", LAW.name, "lstm_forward")
        tally = Tally()
        with Implementation("target.py", directory=tmp_path) as target, pytest.raises(ViolationError):
            Turn(replace(LAW, check=check), target, "lstm_forward", store, tally, number=0).run()
        (problem,) = store
        return problem, tally.problems

    return fails


def test_what_others_failed_with_is_tried_first(find: Callable[[str], Found]) -> None:
    first, tried = find(ONE_MAXIMUM)
    again, fewer = find(ONE_MAXIMUM)
    assert again == first
    assert fewer < tried / 2


def test_who_fails_otherwise_has_the_smallest_of_its_own(
    find: Callable[[str], Found], monkeypatch: pytest.MonkeyPatch
) -> None:
    find(ONE_MAXIMUM)
    after_another = find(UNSHIFTED)
    monkeypatch.setattr(COUNTEREXAMPLES, "_smallest", {})
    assert after_another == find(UNSHIFTED)
