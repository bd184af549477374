"""The code on the pages of targets shows the numbers of the reference."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import reference
from oracle.problems.drawing import REGIMES
from oracle.problems.problem import Problem
from properties.implementations.implementation import Implementation
from properties.laws import all_laws
from properties.reports.snippet import snippet
from properties.tests.one_law import catch
from reference.contract import CONTRACTS, FUNCTIONS

SMALL = st.builds(
    Problem,
    kind=st.just("rnn"),
    n_x=st.integers(0, 3),
    n_a=st.integers(1, 3),
    n_y=st.integers(1, 3),
    m=st.integers(0, 2),
    T_x=st.integers(1, 3),
    regime=st.sampled_from([*REGIMES]),
    seed=st.integers(0, 9),
    dtype=st.sampled_from(["float64", "float32", "float16"]),
)


def of(function: str, problem: Problem) -> Problem:
    given = {name: getattr(problem, name) for name in (*problem.free_sizes, "regime", "seed", "dtype")}
    made: Problem = getattr(Problem, CONTRACTS[function].kind)(**given)
    return made


LONG = Problem.rnn(n_x=0, n_a=3, n_y=1, m=2, T_x=3, dtype="float32")  # too long with all its numbers


@example(LONG, "lstm_forward")
@given(SMALL, st.sampled_from(FUNCTIONS))
def test_a_snippet_shows_what_is_right_beside_what_should_be(problem: Problem, function: str) -> None:
    """A function that is right is shown to be so; nothing but NumPy or rnn_crosscheck is imported."""
    told: list[Any] = []
    code = snippet(of(function, problem), function, "trajectory")
    names = {function: getattr(reference, function), "print": lambda *words: told.append(words)}
    with np.errstate(all="ignore"):
        exec(code, names)
    assert re.findall(r"^(?:import|from) .*", code, re.MULTILINE) in (
        ["import numpy as np"],
        ["from rnn_crosscheck import Problem"],
        ["from rnn_crosscheck import Problem, reference"],
    )
    contract = CONTRACTS[function]
    steps = 1 if contract.is_cell else problem.T_x
    shown = len(contract.outputs) + steps * len(contract.cache) + (not contract.is_cell)
    assert len(told) == shown
    for name, ours, _, right in told:
        assert name.removesuffix(" is").split("[")[0] in (*contract.outputs, "cache", "caches")
        assert ours.shape == right.shape
        np.testing.assert_allclose(ours.astype(float), right, rtol=1e-2 if ours.dtype == "float16" else 1e-6)


def test_a_snippet_of_a_large_problem_draws_it(tmp_path: Path) -> None:
    large = Problem.lstm(n_x=9, n_a=9, n_y=9, m=9, T_x=9)
    code = snippet(large, "lstm_forward", "trajectory")
    assert f"problem = {large!r}" in code
    printed = run(tmp_path, "from reference import lstm_forward\n", code)
    assert printed.count("and should be") == 4 + 9 * 9


def run(folder: Path, before: str, code: str) -> str:
    """What the code prints in a process of its own, with all digits."""
    (folder / "notebook.py").write_text(
        f"import numpy as np\nnp.set_printoptions(precision=17)\n{before}{code}"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "notebook.py"], cwd=folder, env=here, capture_output=True, text=True, check=True
    )
    return done.stdout


def mistake(name: str) -> str:
    return f"from oracle.faults import {name} as mine\n{{function}} = mine.{{function}}\n"


WRONG_DX = """
from reference import {function} as right
def {function}(*arguments):
    dx, *others = right(*arguments)
    return (dx + 1, *others)
"""


@pytest.mark.parametrize(
    ("law", "function", "source"),
    [
        ("trajectory", "lstm_forward", mistake("update_and_forget_gates_exchanged")),
        ("each step", "rnn_cell_forward", mistake("biases_missing")),
        ("trajectory", "lstm_layer", mistake("a0_ignored")),
        ("trajectory", "lstm_layer_backward", WRONG_DX),
        ("each step", "lstm_backward", mistake("through_h_left_out")),
        ("each step", "rnn_backward", mistake("da_not_carried")),
        ("trajectory", "lstm_backward", mistake("clipped_at_1")),
    ],
    ids=range(7),
)
def test_the_code_of_a_failure_prints_its_number_and_the_right_one(
    implement: Callable[..., Implementation], tmp_path: Path, law: str, function: str, source: str
) -> None:
    """Takes a second: the code runs in a process of its own, below the functions."""
    stated = next(each for each in all_laws() if each.name == law)
    source = source.format(function=function)
    caught = catch(stated, implement(source), function, 0, shrink=True)
    assert caught
    facts, problem = caught.violation.facts(), caught.violation.trial.problem
    printed = run(tmp_path, source, snippet(problem, function, law))
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d*(?:e[-+]\d+)?", printed)]
    ours, right = facts["implementation"], (facts.get("exact") or facts["expected"])["value"]
    assert min(abs(number - ours) for number in numbers) <= 1e-9 * abs(ours)
    assert min(abs(number - right) for number in numbers) <= 1e-6 * abs(right)


def test_the_code_of_a_changed_argument_makes_the_calls_of_the_law(tmp_path: Path) -> None:
    problem = Problem.rnn(n_x=1, n_a=2, n_y=1, m=1, T_x=2, regime="unit", seed=1)
    memo = """
from reference import rnn_forward as right
kept = {}
def rnn_forward(x, a0, parameters):
    return kept.setdefault(parameters["Wax"].tobytes(), right(x, a0, parameters))
"""
    lines = run(tmp_path, memo, snippet(problem, "rnn_forward", "changed argument")).splitlines()
    compared = [line.partition(" and should be ") for line in " ".join(lines).split("a is ")[1:]]
    assert len(compared) == 3
    before = [ours.split("y_pred")[0] for ours, _, _ in compared]
    assert before[0] == before[1] or before[0] == before[2]
