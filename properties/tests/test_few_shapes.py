"""A function that compiles for each shape is judged on few shapes; one that is always slow is not."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis.database import InMemoryExampleDatabase

from oracle.faults import Fault
from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.implementations import implementation as implementations
from properties.implementations.implementation import Implementation
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.tests.one_law import InProcess
from properties.trials.law_cache import HeldTrial
from properties.trials.tally import FEW_SHAPES, MOST_SHAPES
from properties.trials.trial import Trial
from properties.turns.turn import Draws, Turn


class Judged(Turn):
    """Judges a right `rnn_forward` by a law, and records the problems."""

    def __init__(self, target: Implementation, law: str) -> None:
        (chosen,) = (each for each in all_laws() if each.name == law)
        store = Store(InMemoryExampleDatabase(), "", law, "rnn_forward")
        super().__init__(chosen, target, "rnn_forward", store, Draws(seed=1))
        self.seen: list[Problem] = []
        self.run()

    def check(self, trial: Trial, held: HeldTrial | None = None) -> None:
        self.seen.append(trial.problem)
        super().check(trial, held)

    @property
    def shapes(self) -> set[Problem]:
        return {replace(each, regime="unit", seed=0, dtype="float64") for each in self.seen}


def a_right_target(*, compiles: bool) -> Implementation:
    target = InProcess(Fault("right", "none", "", {}))
    target.histories["rnn_forward"].compiles = compiles
    return target


def test_problems_of_a_function_that_compiles_share_few_shapes_and_keep_their_numbers() -> None:
    usual, few = (Judged(a_right_target(compiles=each), "trajectory") for each in (False, True))
    assert len(few.shapes) == MOST_SHAPES < len(usual.shapes)
    assert FEW_SHAPES in few.tally.notes
    assert FEW_SHAPES not in usual.tally.notes
    for name in ("regime", "seed", "dtype"):
        assert [getattr(each, name) for each in few.seen] == [getattr(each, name) for each in usual.seen]


def test_all_laws_share_the_shapes_and_a_law_without_any_of_them_gets_one() -> None:
    target = a_right_target(compiles=True)
    first = Judged(target, "trajectory").shapes
    assert Judged(target, "lower precision").shapes <= first
    (without_features,) = Judged(target, "no features").shapes
    assert without_features.n_x == 0


SLOW = """
import time
from reference import rnn_forward as right
seen = set()
def rnn_forward(x, a0, parameters):
    if x.shape not in seen or not COMPILES:
        time.sleep(SECONDS)
    seen.add(x.shape)
    return right(x, a0, parameters)
"""


@pytest.mark.parametrize("compiles", [True, False])
def test_a_slow_first_call_is_told_from_a_function_that_is_always_slow(
    tmp_path: Path, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implementations, "SLOW_FIRST_CALL", 0.1)
    seconds = "0.6" if compiles else "0.2"  # so that a busy machine hides no fast call
    (tmp_path / "slow.py").write_text(SLOW.replace("COMPILES", str(compiles)).replace("SECONDS", seconds))
    with Implementation("slow.py", Settings(directory=tmp_path)) as target:
        for T_x in range(1, 9 if compiles else 6):
            assert not target.compiles
            target.call(
                "rnn_forward", Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=T_x).arguments("rnn_forward")
            )
            if target.compiles:
                break
        assert target.compiles == compiles
        assert not compiles or T_x >= 4  # three after the first call, which may load a framework
