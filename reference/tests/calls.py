"""Arguments for calls of the four functions, and the arrays in an answer by name."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import reference
from reference.contract import CONTRACTS, FUNCTIONS, SEQUENCE_FORWARDS, Array, extent

SIZES = {"n_x": 3, "n_a": 5, "n_y": 2, "m": 4, "T_x": 6}

every_function = pytest.mark.parametrize("function", FUNCTIONS)
every_forward = pytest.mark.parametrize("function", SEQUENCE_FORWARDS)

sizes = st.fixed_dictionaries(
    {
        "n_x": st.integers(0, 4),
        "n_a": st.integers(1, 4),
        "n_y": st.integers(1, 4),
        "m": st.integers(0, 4),
        "T_x": st.integers(0, 4),
    }
)
some = st.fixed_dictionaries({name: st.integers(1, 4) for name in SIZES})
"""Sizes of at least 1."""
seeds = st.integers(0, 2**32 - 1)


def arguments(function: str, sizes: dict[str, int] = SIZES, seed: int = 0) -> list[Any]:
    """Standard normal arguments of a call, the dict of parameters last."""
    rng = np.random.default_rng(seed)
    *arrays, parameters = (
        {name: rng.standard_normal([extent(size, sizes) for size in shape]) for name, shape in shapes.items()}
        for shapes in (CONTRACTS[function].arguments, CONTRACTS[function].parameters)
    )
    return [*arrays[0].values(), parameters]


def by_name(function: str, given: list[Any]) -> dict[str, Array]:
    """Every array among the arguments, by its name in error messages."""
    *arrays, parameters = given
    named = {f'parameters["{name}"]': array for name, array in parameters.items()}
    return {**dict(zip(CONTRACTS[function].arguments, arrays, strict=True)), **named}


def replaced(function: str, given: list[Any], new: dict[str, Any]) -> list[Any]:
    """The arguments with other arrays in place of some; the names are those of `by_name`."""
    *arrays, parameters = given
    return [
        *(new.get(name, array) for name, array in zip(CONTRACTS[function].arguments, arrays, strict=True)),
        {name: new.get(f'parameters["{name}"]', array) for name, array in parameters.items()},
    ]


def call(function: str, given: list[Any]) -> tuple[Any, ...]:
    """The outputs and the caches of a call."""
    answer: tuple[Any, ...] = getattr(reference, function)(*given)
    return answer


def cells(function: str, answer: tuple[Any, ...]) -> list[Any]:
    """The cell caches of an answer, one for each step."""
    return [answer[-1]] if CONTRACTS[function].is_cell else answer[-1][0]


def returned(function: str, answer: tuple[Any, ...]) -> dict[str, Array]:
    """Every array in an answer by a unique name: outputs, cache entries and cached parameters."""
    found = dict(zip(CONTRACTS[function].outputs, answer[:-1], strict=True))
    for t, (*arrays, parameters) in enumerate(cells(function, answer)):
        found |= {
            f"cache {t}, {name}": array for name, array in zip(CONTRACTS[function].cache, arrays, strict=True)
        }
        found |= {f'cache {t}, parameters["{name}"]': array for name, array in parameters.items()}
    return found if CONTRACTS[function].is_cell else {**found, "cached x": answer[-1][1]}


def assert_same(actual: dict[str, Array], expected: dict[str, Array]) -> None:
    """Assert that the arrays of each name are equal to the last bit; NaN equals NaN."""
    assert actual.keys() == expected.keys()
    for name, array in actual.items():
        np.testing.assert_array_equal(array, expected[name], strict=True, err_msg=name)


def refusal(error: type[Exception], message: str) -> Any:
    """Assert that a call raises this error with exactly this message."""
    return pytest.raises(error, match=f"^{re.escape(message)}$")
