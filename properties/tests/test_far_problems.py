"""Fuzzing draws large problems that do not take too long, and shrinks failures on them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis.database import InMemoryExampleDatabase

import reference
from oracle.faults import FAULTS
from oracle.problems.problem import Problem
from properties.failure_database.store import Store
from properties.internals.hypothesis_internals import INDEPENDENT
from properties.strategies.drawn_problems import problems
from properties.strategies.effort import EFFORTS
from properties.strategies.fixed_problems import far_examples
from properties.tests.one_law import InProcess, by_power
from properties.trials.trial import Trial
from properties.turns.turn import TimeUpError, Turn
from reference.contract import CONTRACTS, FUNCTIONS, LAYERS

pytestmark = pytest.mark.slow

FUZZ = EFFORTS["fuzz"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_later_block_of_classes_raises_the_largest_logit(function: str) -> None:
    """This reveals a softmax that takes its maximum in blocks."""
    [[problem]] = far_examples(function, names=["broad"])
    outputs = getattr(reference, function)(*problem.inputs(function).arguments(function))
    [which] = [i for i, name in enumerate(CONTRACTS[function].outputs) if name.startswith("y")]
    y = np.asarray(outputs[which])
    for block in (8, 16, 32, 64, 128):
        assert (y[block:].max(axis=0) > y[:block].max(axis=0)).any()


@pytest.mark.parametrize("function", LAYERS)
@pytest.mark.parametrize("real", [np.float32, np.float64])
def test_a_length_is_too_small_if_a_fraction_of_the_steps_is_truncated(function: str, real: type) -> None:
    """Of at most 21 steps, no length is, and 13 of 22 is the first."""
    [[problem]] = far_examples(function, names=["count"])
    lengths = problem.inputs(function).arguments(function)[-1]["lengths"]
    fractions = lengths.astype(real) / real(problem.T_x)
    assert ((fractions * real(problem.T_x)).astype(int) < lengths).any()


def shapes(backend: str, limit: int) -> set[tuple[int, ...]]:
    """The sizes of the first problems that searches with a backend of Hypothesis draw."""
    tried: list[tuple[int, ...]] = []

    def check(trial: Trial) -> None:
        tried.append(tuple(trial.problem.sizes.values()))
        trial.counts.worst_ratio = float(tried[-1][0])
        if len(tried) == limit:
            raise TimeUpError

    law = replace(by_power()[0], check=check)
    implementation = InProcess(FAULTS["x_above_a"])
    store = Store(InMemoryExampleDatabase(), "", "", "")
    turn = Turn(law, implementation, "lstm_forward", store, "fuzz")
    with suppress(TimeUpError):
        while True:
            turn.search(backend)
    return set(tried)


def test_a_search_repeats_shapes_and_what_is_drawn_anew_hardly_does() -> None:
    """Takes a second: two hundred problems are drawn and answered."""
    assert len(shapes("hypothesis", limit=100)) < 80
    assert len(shapes(INDEPENDENT, limit=100)) > 90


@pytest.fixture(scope="module")
def drawn() -> list[Problem]:
    """250 problems of each function that fuzzing draws, the same in every run."""
    problems_drawn = list[Problem]()
    for function in FUNCTIONS:

        @settings(max_examples=250, database=None, derandomize=True)
        @given(problems(function, FUZZ))
        def draw(problem: Problem) -> None:
            problems_drawn.append(problem)

        draw()
    return problems_drawn


def test_large_problems_are_affordable(drawn: list[Problem]) -> None:
    """Takes seconds: the first test that uses `drawn` draws a thousand problems."""
    for problem in drawn:
        numbers = problem.m * problem.T_x * (problem.n_x + problem.n_a + problem.n_y)
        products = problem.m * problem.T_x * problem.n_a * (problem.n_a + problem.n_x + problem.n_y)
        assert numbers <= 4e6
        assert products <= 1e9
        assert problem.T_x <= FUZZ.longest + 4
        assert max(problem.n_x, problem.n_a, problem.n_y, problem.m) <= FUZZ.largest + 4


def test_widths_near_a_vector_s_and_the_smallest_are_likely(drawn: list[Problem]) -> None:
    for name in ("n_x", "n_a", "n_y", "m"):
        assert sum(31 <= problem.sizes[name] <= 66 for problem in drawn) > 150
        assert sum(problem.sizes[name] <= 2 for problem in drawn) > 150


def test_large_sizes_are_equal_now_and_then(drawn: list[Problem]) -> None:
    large = ([size for size in problem.sizes.values() if size > 30] for problem in drawn)
    assert sum(len({*sizes}) < len(sizes) for sizes in large) > 10


def found(condition: Callable[[Problem], bool]) -> Problem:
    """The smallest problem that fuzzing finds."""
    sought = settings(max_examples=20_000, database=None, derandomize=True)
    return find(problems("lstm_forward", FUZZ), condition, settings=sought)


def test_classes_and_samples_go_to_hundreds() -> None:
    """Takes a second: hundreds of problems are drawn until one is so large."""
    assert found(lambda problem: max(problem.n_y, problem.m) >= 200)


@pytest.mark.parametrize(("n_a", "T_x"), [(5, 1), (37, 101), (200, 1), (1, 1001)])
def test_large_failures_shrink_to_what_they_need(n_a: int, T_x: int) -> None:
    """Takes a second: hundreds of problems are drawn and shrunk."""
    smallest = found(lambda problem: problem.n_a >= n_a and problem.T_x >= T_x)
    assert smallest == Problem.lstm(n_x=1, n_a=n_a, n_y=1, m=1, T_x=T_x, regime="ternary")
