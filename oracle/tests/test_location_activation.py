"""A function in the place of an activation is told from its arguments and values."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.location.how.activation.activated import KINDS
from oracle.location.how.activation.pairs import Pairs, sigmoid
from oracle.location.how.activation.scaled import scaled
from oracle.location.how.activation.tables import table

READINGS = ("a line between two entries of", "the nearest entry of", "the entry below in")
Z = np.random.default_rng(0).standard_normal(400) * np.geomspace(0.01, 20, 400)


def pairs(function: Callable[[Any], Any], activation: str = "tanh") -> Pairs:
    return Pairs("z", activation, Z, function(Z), np.full(Z.shape, 1e-15))


def told(function: Callable[[Any], Any], activation: str = "tanh") -> str:
    seen = pairs(function, activation)
    with np.errstate(all="ignore"):  # as what looks for a likeness does
        return next((found[0] for kind in KINDS if (found := kind(seen))), "")


@given(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(-1, 1))
def test_the_numbers_of_a_scaled_function_are_found(A: float, B: float, C: float) -> None:
    found = scaled(pairs(lambda z: A * np.tanh(B * z) + C))
    assert found
    np.testing.assert_allclose(found[1](Z), A * np.tanh(B * Z) + C, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda z: 2 * np.tanh(z / 2), "2 tanh(0.5 z)"),
        (lambda z: 4 / (1 + np.exp(-z)) - 2, "2 tanh(0.5 z)"),
        (lambda z: 1 / (1 + np.exp(-1.702 * z)), "1 / (1 + exp(-1.702 z))"),
        (lambda z: 1 / (1 + np.exp(z)), "1 / (1 + exp(z))"),
        (lambda z: z / np.sqrt(1 + z * z), "(z) / sqrt(1 + (z)^2)"),
        (lambda z: z * (27 + z * z) / (27 + 9 * z * z), "(z + 0.03704 z^3) / (1 + 0.3333 z^2)"),
        (np.sign, "the sign of z"),
        (np.vectorize(lambda z: np.nan), ""),
        (lambda z: np.tanh(z) + 0.01 * np.sin(37 * z) ** 3, ""),
    ],
)
def test_what_a_tanh_has_become_is_said(function: Callable[[Any], Any], said: str) -> None:
    assert told(function) == said


@pytest.mark.parametrize("step", [0.01, 0.125])
@pytest.mark.parametrize("how", READINGS)
def test_a_table_is_told_with_its_steps(how: str, step: float) -> None:
    def read(z: Any) -> Any:
        place = np.round(z / step, 9)
        if how.startswith("the nearest"):
            return sigmoid(step * np.rint(place))
        low = step * np.floor(place)
        if how.startswith("the entry"):
            return sigmoid(low)
        return sigmoid(low) + (z - low) / step * (sigmoid(low + step) - sigmoid(low))

    found = table(pairs(read, "sigmoid"))
    assert found
    assert found[0] == f"{how} a table of sigmoid(z) in steps of {step:g}"


def test_a_table_ends_where_it_ends() -> None:
    found = table(pairs(lambda z: np.interp(z, np.linspace(-8, 8, 1025), np.tanh(np.linspace(-8, 8, 1025)))))
    assert found
    assert found[0] == "a line between two entries of a table of tanh(z) in steps of 0.015625 from -8 to 8"


def test_another_exp_is_told() -> None:
    said = told(lambda z: 1 / (1 + (1 - z / 256) ** 256), "sigmoid")
    assert said == "1 / (1 + exp(-z)), with (1 + u / 256)^256 for exp(u)"
