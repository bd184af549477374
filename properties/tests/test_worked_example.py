"""The code and the worked numbers on the pages of targets are those of the reference."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from oracle.problem import Problem
from oracle.regimes import REGIMES
from properties.reports.snippet import snippet
from properties.reports.worked_example import worked
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
    given = {name: getattr(problem, name) for name in (*problem.varies, "regime", "seed", "dtype")}
    made: Problem = getattr(Problem, CONTRACTS[function].kind)(**given)
    return made


@given(SMALL, st.sampled_from(FUNCTIONS))
def test_a_snippet_shows_what_is_right_beside_what_should_be(problem: Problem, function: str) -> None:
    """A function that is right is shown to be so; nothing but NumPy is imported."""
    told: list[Any] = []
    code = snippet(of(function, problem), function, "trajectory")
    names = {function: getattr(reference, function), "print": lambda *words: told.append(words)}
    with np.errstate(all="ignore"):
        exec(code, names)
    assert re.findall(r"^(?:import|from) .*", code, re.MULTILINE) in (
        ["import numpy as np"],
        ["from rnn_crosscheck import Problem"],
    )
    contract = CONTRACTS[function]
    shown = len(contract.outputs) + len(contract.cache) + 2 * (not contract.is_cell)
    assert len(told) in (shown, len(contract.outputs), 0)  # without caches of no steps
    for name, ours, _, right in told:
        if isinstance(ours, int):
            assert (name, ours) == ("caches hold", right)
            continue
        if name == "caches[1] is":
            np.testing.assert_array_equal(ours, right)
            continue
        assert name.removesuffix(" is").split("[")[0] in (*contract.outputs, "cache")
        assert ours.shape == right.shape
        np.testing.assert_allclose(ours.astype(float), right, rtol=1e-2 if ours.dtype == "float16" else 1e-6)


def test_a_snippet_of_a_large_problem_or_of_layers_draws_it() -> None:
    large = Problem.lstm(n_x=9, n_a=9, n_y=9, m=9, T_x=9)
    layers = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1)
    for problem, function in ((large, "lstm_forward"), (layers, "rnn_layer")):
        code = snippet(problem, function, "trajectory")
        names: dict[str, Any] = {function: getattr(reference, function)}
        exec(code.replace("rnn_crosscheck", "oracle.problem"), names)
        assert names["problem"] == problem


def last(lines: list[str], name: str) -> np.ndarray[Any, Any]:
    text = next(line for line in reversed(lines) if line.startswith(f"{name} = ")).rpartition(" = ")[2]
    return np.array([float(number) for number in text.strip("[]").split(", ")])


@settings(max_examples=200)  # many of which are too large, or have no such step
@given(SMALL, st.sampled_from(FUNCTIONS), st.integers(0, 2), st.integers(0, 3))
def test_what_is_worked_out_is_what_the_reference_answers(
    problem: Problem, function: str, sample: int, step: int
) -> None:
    posed = of(function, replace(problem, dtype="float64"))
    lines = worked(posed, function, sample, step)
    is_cell = CONTRACTS[function].is_cell
    follows = posed.n_x > 0 and sample < posed.m and step < (1 if is_cell else posed.T_x)
    assert bool(lines) == (follows and step < 3)
    if lines:
        with np.errstate(all="ignore"):
            outputs = getattr(reference, function)(*posed.arguments(function))
        at = (slice(None), sample) if is_cell else (slice(None), sample, step)
        places = {"a_next": 0, "y": 2 if function == "lstm_cell_forward" else 1}
        for name, place in places.items():
            np.testing.assert_allclose(last(lines, name), outputs[place][at], rtol=1e-5, atol=1e-30)
        logits = [float(line.rpartition(" = ")[2]) for line in lines if " a_next + by" in line][-posed.n_y :]
        if np.abs(logits).max() < 100:  # otherwise six digits are too few
            np.testing.assert_allclose(
                reference.softmax(np.array(logits)[:, None])[:, 0], last(lines, "y"), 1e-3
            )


def test_each_product_is_written_out() -> None:
    problem = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary", seed=1)
    assert worked(problem, "lstm_forward", 0, 0)[:4] == [
        "xt = 0, a_prev = 1, c_prev = 0",
        "Wf [a_prev; xt] + bf = (1)(1) + (-1)(0) + (-1) = 0",
        "ft = σ of that = 0.5",
        "Wi [a_prev; xt] + bi = (-1)(1) + (1)(0) + (-1) = -2",
    ]
