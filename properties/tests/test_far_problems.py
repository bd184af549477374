"""What fuzzing draws: large problems that are affordable, and how they shrink."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

import reference
from oracle.faults import FAULTS
from oracle.problem import Problem
from properties.failure_database.store import Store
from properties.strategies.functions import EFFORTS, far, problems
from properties.tests.one_law import InProcess, by_power
from properties.trials.tally import Tally
from properties.trials.trial import Trial
from properties.turns.turn import TimeUpError, Turn
from reference.contract import CONTRACTS, FUNCTIONS

FUZZ = EFFORTS["fuzz"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_later_block_of_classes_raises_the_largest_logit(function: str) -> None:
    """So that a softmax is seen that takes its maximum block by block."""
    [[problem]] = far(function, names=["broad"])
    outputs = getattr(reference, function)(*problem.inputs(function).arguments(function))
    [which] = [i for i, name in enumerate(CONTRACTS[function].outputs) if name.startswith("y")]
    y = np.asarray(outputs[which])
    for block in (8, 16, 32, 64, 128):
        assert (y[block:].max(axis=0) > y[:block].max(axis=0)).any()


def shapes(anew: bool, limit: int) -> set[tuple[int, ...]]:
    """The sizes of the first problems that a law tries in a turn."""
    tried: list[tuple[int, ...]] = []

    def check(trial: Trial) -> None:
        tried.append(tuple(trial.problem.sizes.values()))
        trial.worst_ratio = float(tried[-1][0])
        if len(tried) == limit:
            raise TimeUpError

    law = replace(by_power()[0], check=check)
    implementation = InProcess(FAULTS["x_above_a"])
    store = Store(InMemoryExampleDatabase(), "", "", "")
    turn = Turn(law, implementation, "lstm_forward", store, Tally(), profile="fuzz")
    turn.anew = anew
    turn.run()
    return set(tried)


def test_a_search_repeats_shapes_and_what_is_drawn_anew_hardly_does() -> None:
    assert len(shapes(anew=False, limit=200)) < 80  # of 100 problems, or a few more
    assert len(shapes(anew=True, limit=200)) > 180


@settings(max_examples=500)
@given(st.sampled_from(FUNCTIONS), st.data())
def test_large_problems_are_affordable(function: str, data: st.DataObject) -> None:
    """Takes a second: five hundred problems are drawn."""
    problem = data.draw(problems(function, FUZZ))
    numbers = problem.m * problem.T_x * (problem.n_x + problem.n_a + problem.n_y)
    products = problem.m * problem.T_x * problem.n_a * (problem.n_a + problem.n_x + problem.n_y)
    assert numbers <= 4e6
    assert products <= 1e9
    assert problem.T_x <= FUZZ.longest + 4
    assert max(problem.n_x, problem.n_a, problem.n_y, problem.m) <= FUZZ.largest + 4


def found(condition: Callable[[Problem], bool]) -> Problem:
    """The smallest problem that fuzzing finds."""
    sought = settings(max_examples=20_000, database=None, derandomize=True)
    return find(problems("lstm_forward", FUZZ), condition, settings=sought)


@pytest.mark.parametrize("name", ["n_y", "m", "T_x"])
def test_sizes_go_to_hundreds_and_steps_to_thousands(name: str) -> None:
    """Takes seconds: thousands of problems are drawn until one is as large."""
    large = 1000 if name == "T_x" else 200
    assert found(lambda problem: problem.sizes[name] >= large).sizes[name] == large


def test_widths_near_a_vector_s_and_the_smallest_are_likely() -> None:
    """Takes a second: a thousand problems are drawn."""
    drawn = list[Problem]()

    @settings(max_examples=1000, database=None, derandomize=True)
    @given(problems("rnn_forward", FUZZ))
    def draw(problem: Problem) -> None:
        drawn.append(problem)

    draw()
    for name in ("n_x", "n_a", "n_y", "m"):
        assert sum(31 <= problem.sizes[name] <= 66 for problem in drawn) > 150
        assert sum(problem.sizes[name] <= 2 for problem in drawn) > 150


def test_large_sizes_are_equal_now_and_then() -> None:
    """Takes seconds: thousands of problems are drawn."""
    assert found(lambda problem: problem.n_a == problem.m > 30)


@pytest.mark.parametrize(("n_a", "T_x"), [(5, 1), (37, 101), (200, 1), (1, 1001)])
def test_large_failures_shrink_to_what_they_need(n_a: int, T_x: int) -> None:
    """Takes a second: hundreds of problems are drawn and shrunk."""
    smallest = found(lambda problem: problem.n_a >= n_a and problem.T_x >= T_x)
    assert smallest == Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=T_x, regime="ternary")
