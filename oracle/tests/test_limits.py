"""The entries of `SUPPORTS` become limits, or are refused with a message."""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.problems.limits import ANYTHING, DTYPES, Limits
from oracle.problems.problem import LayerProblem
from oracle.tests.problems import layer_problems

SWITCHES = [each.name for each in fields(Limits) if each.default is True]
DECLARED: Mapping[str, st.SearchStrategy[Any]] = {
    **{name: st.booleans() for name in SWITCHES},
    "dtypes": st.lists(st.sampled_from(DTYPES), min_size=1, unique=True),
    "layers": st.integers(1, 3),
    **{name: st.integers(1, 2) for name in ("directions", "least_directions", "stacked_directions")},
    "projection": st.sampled_from([True, False, "fewer"]),
    "absent_states": st.sampled_from([True, False, "both"]),
    "activations": st.lists(st.sampled_from(["tanh", "relu"]), min_size=1, unique=True),
    "empty": st.lists(st.sampled_from(["n_x", "m", "T_x"]), unique=True),
}
"""What a target can declare, by key."""


def are_consistent(declared: Mapping[str, Any]) -> bool:
    least = declared.get("least_directions", 1)
    return all(declared.get(name, 2) >= least for name in ("directions", "stacked_directions"))


limits = st.fixed_dictionaries({}, optional=dict(DECLARED)).filter(are_consistent).map(Limits.parse)


def test_every_limit_is_drawn() -> None:
    assert {*DECLARED} == {each.name for each in fields(Limits)}


def test_nothing_declared_is_no_limit() -> None:
    assert Limits.parse({}) == ANYTHING
    assert ANYTHING.words == []


@given(limits)
def test_every_limit_has_words(limited: Limits) -> None:
    changed = [each.name for each in fields(limited) if getattr(limited, each.name) != each.default]
    if limited.directions == limited.stacked_directions == 1:  # which the first says
        changed.remove("stacked_directions")
    assert len(limited.words) == len(changed)


@given(limits, layer_problems())
def test_a_fitted_problem_is_within_the_limits(limited: Limits, problem: LayerProblem) -> None:
    fitted = limited.fitted(problem)
    assert isinstance(fitted, LayerProblem)
    assert fitted.dtype in limited.dtypes
    assert fitted.layers <= limited.layers
    assert limited.least_directions <= fitted.directions <= limited.directions
    assert fitted.layers == 1 or fitted.directions <= limited.stacked_directions
    assert limited.lengths or fitted.lengths == "absent"
    assert limited.projection or not fitted.n_p
    assert limited.projection != "fewer" or fitted.n_p < fitted.n_a
    assert fitted.kind == "lstm_layer" or fitted.activation in limited.activations
    assert limited.initial_state or fitted.initial == "zero"
    assert limited.fitted(fitted) == fitted


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        (["float32"], "SUPPORTS is no dict"),
        (
            {"dtype": ["float32"]},
            "SUPPORTS has no 'dtype'; it may have absent_states, activations, bad_shapes",
        ),
        (
            {"dtypes": "float32"},
            "SUPPORTS['dtypes'] is 'float32', expected a list of float64, float32, float16",
        ),
        ({"dtypes": []}, "SUPPORTS['dtypes'] is [], expected a list of float64"),
        ({"dtypes": ["bfloat16"]}, "expected a list of float64, float32, float16"),
        ({"layers": 0}, "SUPPORTS['layers'] is 0, expected a number from 1 up"),
        ({"layers": True}, "expected a number from 1 up"),
        ({"directions": [2]}, "SUPPORTS['directions'] is [2], expected 1 or 2"),
        (
            {"directions": 1, "least_directions": 2},
            "SUPPORTS['least_directions'] is 2, but SUPPORTS['directions'] is 1",
        ),
        ({"lengths": "no"}, "SUPPORTS['lengths'] is 'no', expected True or False"),
        ({"projection": "less"}, "expected True or False or 'fewer'"),
        ({"empty": ["n_a"]}, "expected a list of n_x, m, T_x"),
        ({1: 2}, "SUPPORTS has no 1"),
    ],
)
def test_an_invalid_entry_is_refused_with_the_allowed_values(declared: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Limits.parse(declared)
