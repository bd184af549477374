"""The code on the pages of targets shows the numbers of the reference."""

import re
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import reference
from oracle.problems.problem import Problem
from oracle.problems.regimes import REGIMES
from properties.reports.snippet import snippet
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
        exec(code.replace("rnn_crosscheck", "oracle.problems.problem"), names)
        assert names["problem"] == problem
