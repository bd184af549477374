"""A function that compiles for each shape, or whose calls take long, is judged on few shapes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from hypothesis.database import InMemoryExampleDatabase

from oracle.explanations.claims import Claim, mistake
from oracle.faults import FAULTS, Fault
from oracle.problems.problem import Problem
from properties.explanations import claim_search, explanation
from properties.explanations.explanation import explain
from properties.explanations.failure import Failure
from properties.failure_database.store import Store
from properties.implementations import implementation as implementations
from properties.implementations.calls import Reply, Request, Returned
from properties.implementations.implementation import Implementation
from properties.implementations.process import Process
from properties.implementations.process_start import Settings
from properties.laws import all_laws
from properties.tests.one_law import InProcess, catch
from properties.trials.law_cache import HeldTrial
from properties.trials.trial import Trial
from properties.turns.few_shapes import FEW_PROBLEMS, FEW_SHAPES, LONG, MOST_SHAPES
from properties.turns.turn import Turn

pytestmark = pytest.mark.slow


class Judged(Turn):
    """Judges a right `rnn_forward` by a law, and records the problems."""

    def __init__(self, target: Implementation, law: str) -> None:
        (chosen,) = (each for each in all_laws() if each.name == law)
        store = Store(InMemoryExampleDatabase(), "", law, "rnn_forward")
        super().__init__(chosen, target, "rnn_forward", store, seed=1)
        self.seen: list[Problem] = []
        self.run()

    def check(self, trial: Trial, held: HeldTrial | None = None) -> None:
        self.seen.append(trial.problem)
        super().check(trial, held)

    @property
    def shapes(self) -> set[Problem]:
        return {replace(each, regime="unit", seed=0, dtype="float64") for each in self.seen}


def a_right_target(*, is_costly: bool) -> Implementation:
    target = InProcess(Fault("right", "none", "", {}))
    target.histories["rnn_forward"].is_costly = is_costly
    return target


def test_problems_of_a_costly_function_share_few_shapes_and_keep_their_numbers() -> None:
    usual, few = (Judged(a_right_target(is_costly=each), "trajectory") for each in (False, True))
    assert len(few.shapes) == MOST_SHAPES < len(usual.shapes)
    assert FEW_SHAPES in few.tally.notes
    assert FEW_SHAPES not in usual.tally.notes
    for name in ("regime", "seed", "dtype"):
        assert [getattr(each, name) for each in few.seen] == [getattr(each, name) for each in usual.seen]


def test_all_laws_share_the_shapes_and_a_law_without_any_of_them_gets_one() -> None:
    target = a_right_target(is_costly=True)
    first = Judged(target, "trajectory").shapes
    assert Judged(target, "lower precision").shapes <= first
    (without_features,) = Judged(target, "no features").shapes
    assert without_features.n_x == 0


def test_after_long_calls_a_costly_function_gets_a_quarter_of_the_problems() -> None:
    targets = [a_right_target(is_costly=True) for _ in range(2)]
    targets[1].histories["rnn_cell_forward"].seconds = LONG + 1
    all_problems, quarter = (Judged(each, "trajectory") for each in targets)
    assert len(quarter.seen) < len(all_problems.seen) / 2
    assert FEW_PROBLEMS in quarter.tally.notes
    assert FEW_PROBLEMS not in all_problems.tally.notes


class Recording(InProcess):
    """Records the shape of `x` in each call."""

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        self.called = [*vars(self).get("called", ()), *(each.arguments[0].shape for each in requests)]
        return super().reply_each(requests)


def test_a_failure_of_a_costly_function_is_shrunk_to_the_smallest_shape_that_it_had() -> None:
    target = Recording(FAULTS["a_of_neighbour"])  # right for one sample
    history = target.histories["rnn_forward"]
    history.is_costly = True
    shapes = [(2, 3, 3), (3, 5, 4), (1, 1, 1), (4, 5, 2), (4, 6, 3), (5, 6, 2)]
    for n_x, m, T_x in shapes:
        history.shapes[Problem.rnn(n_x=n_x, n_a=2, n_y=1, m=m, T_x=T_x, regime="ternary")] = None
    (law,) = (each for each in all_laws() if each.name == "trajectory")
    caught = catch(law, target, "rnn_forward", 1, shrink=True)
    assert caught
    problem = caught.violation.trial.problem
    assert (problem.n_x, problem.m, problem.T_x, problem.regime) == (2, 3, 3, "ternary")
    assert {*target.called} <= {*shapes}


SLOW = """
import time
from reference import rnn_forward as right
seen, calls = set(), 0
def rnn_forward(x, a0, parameters):
    global calls
    calls += 1
    if x.shape not in seen or not COMPILES:
        time.sleep(SECONDS)
    seen.add(x.shape)
    return right(x, a0, parameters)
def rnn_cell_forward(xt, a_prev, parameters):
    a, y, (caches, _) = rnn_forward(xt[:, :, None], a_prev, parameters)
    return a[:, :, 0], y[:, :, 0], (calls,)
"""


def of_steps(T_x: int) -> Sequence[Any]:
    return Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=T_x).arguments("rnn_forward")


def number_of_calls(target: Implementation) -> Any:
    """The number of calls of the process of the target, with this one."""
    cell = Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1).arguments("rnn_cell_forward")
    outcome = target.call("rnn_cell_forward", cell)
    return outcome.value[2][0] if isinstance(outcome, Returned) else outcome


def slow_target(folder: Path, *, compiles: bool, seconds: float) -> Implementation:
    source = SLOW.replace("COMPILES", str(compiles)).replace("SECONDS", str(seconds))
    (folder / "slow.py").write_text(source)
    return Implementation("slow.py", Settings(directory=folder))


@pytest.mark.parametrize("compiles", [True, False])
def test_a_slow_first_call_is_told_from_a_function_that_is_always_slow(
    tmp_path: Path, compiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implementations, "SLOW_FIRST_CALL", 0.1)
    seconds = 0.6 if compiles else 0.2  # so that a busy machine hides no fast call
    with slow_target(tmp_path, compiles=compiles, seconds=seconds) as target:
        for T_x in range(1, 9 if compiles else 6):
            assert not target.is_costly
            target.call("rnn_forward", of_steps(T_x))
            if target.is_costly:
                break
        assert target.is_costly == compiles
        assert not compiles or T_x >= 4  # three after the first call, which may load a framework


def test_one_batch_of_new_shapes_is_enough_and_one_call_of_another_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(implementations, "SLOW_FIRST_CALL", 0.1)
    with slow_target(tmp_path, compiles=True, seconds=0.6) as target:
        target.call("rnn_forward", of_steps(1))  # which may load a framework
        target.reply_each([Request("rnn_forward", of_steps(T_x)) for T_x in (2, 3, 4, 2)])
        assert target.histories["rnn_forward"].compiles
        cell = Problem.rnn(n_x=2, n_a=1, n_y=1, m=1, T_x=1).arguments("rnn_cell_forward")
        target.call("rnn_cell_forward", cell)
        assert target.histories["rnn_cell_forward"].compiles


def test_calls_are_made_again_only_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(implementations, "SLOW_FIRST_CALL", 0.02)
    monkeypatch.setattr(implementations, "FIRST_CALLS", 3)
    with slow_target(tmp_path, compiles=False, seconds=0.05) as target:
        counts = [number_of_calls(target) for _ in range(5)]
    assert counts == [1, 2, 4, 6, 7]


@pytest.mark.parametrize(("seconds", "is_costly"), [(11.0, True), (0.04, False)])
def test_a_function_whose_calls_take_long_in_all_and_on_average_is_costly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, is_costly: bool
) -> None:
    """The first call of a process may load a framework, and does not count."""
    ask = Process.ask

    def timed(process: Process, *given: Any, **how: Any) -> Any:
        answers = ask(process, *given, **how)
        process.seconds = [seconds]
        return answers

    monkeypatch.setattr(Process, "ask", timed)
    monkeypatch.setattr(implementations, "COSTLY_SECONDS", 20 if is_costly else 0.06)
    with slow_target(tmp_path, compiles=False, seconds=0) as target:
        for _ in range(2):
            number_of_calls(target)
            assert not target.is_costly
        number_of_calls(target)
        assert target.is_costly == is_costly


def test_within_an_explanation_another_process_is_called_and_the_present_one_is_kept(tmp_path: Path) -> None:
    with slow_target(tmp_path, compiles=True, seconds=0) as target:
        assert number_of_calls(target) == 1
        with target.aside(60):
            assert number_of_calls(target) == 1
            target.end_process()
        assert number_of_calls(target) == 2
        with target.aside(-1), pytest.raises(TimeoutError):
            number_of_calls(target)
        assert number_of_calls(target) == 3


def test_when_no_time_is_left_only_known_mistakes_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong.py").write_text(
        "from oracle.faults import a_of_neighbour as m\nrnn_forward = m.rnn_forward"
    )
    by_name = {each.name: each for each in all_laws()}
    with Implementation("wrong.py", Settings(directory=tmp_path)) as target:
        failures = [catch(by_name[name], target, "rnn_forward", 1) for name in ("trajectory", "exact value")]
        first, second = (each.violation for each in failures if each)
        named = explain(first).claims
        assert named == [mistake("a_of_neighbour")]
        target.histories["rnn_forward"].is_costly = True
        monkeypatch.setattr(explanation, "EXPLAINING", -1)
        assert explain(second).claims == named
        monkeypatch.setattr(claim_search, "_CACHES", WeakKeyDictionary())
        assert explain(second).claims == [Claim.of("no time")]
        assert "the time to search for the mistake was up, since calls take long" in Failure(second).message
