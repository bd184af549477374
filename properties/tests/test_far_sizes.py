"""Mistakes that show only beyond 16, 32, 64 or 128 in one dimension are found without fuzzing."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oracle.faults import Fault
from oracle.faults.equations import SPECIFICATION
from oracle.problems.problem import LayerProblem
from properties.strategies.fixed_problems import far_examples
from properties.tests.one_law import first_catch

pytestmark = pytest.mark.slow

RIGHT = SPECIFICATION["lstm"]


def where(holds: Callable[[Any], bool], function: str) -> Fault:
    """A cell whose hidden state is wrong if a condition holds in a step."""
    changed = {"a_next": lambda v: RIGHT["a_next"](v) * (0.5 if holds(v) else 1)}
    return Fault("beyond", "none", "", {function: changed})


def tail(start: int, axis: int, function: str) -> Fault:
    """A cell whose units or samples beyond a number are zero."""

    def a_next(v: Any) -> Any:
        a = RIGHT["a_next"](v).copy()
        a[(slice(start, None), slice(None)) if axis == 0 else (slice(None), slice(start, None))] = 0
        return a

    return Fault("tail", "none", "", {function: {"a_next": a_next}})


FUNCTIONS = ("lstm_cell_forward", "lstm_forward")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("size", [16, 32, 64, 128])
@pytest.mark.parametrize("name", ["n_x", "n_a", "m"])
def test_beyond_a_size(name: str, size: int, function: str) -> None:
    of: dict[str, Callable[[Any], int]] = {
        "n_x": lambda v: len(v.xt),
        "n_a": lambda v: len(v.a_prev),
        "m": lambda v: v.xt.shape[1],
    }
    assert first_catch(where(lambda v: of[name](v) > size, function), function, 0)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("limit", [5, 10, 100])
def test_beyond_a_magnitude_of_the_inputs(limit: float, function: str) -> None:
    """Inputs as they are measured are no less ordinary than those that somebody has scaled.

    Above 100 few inputs leave the pre-activations below 300, so an extreme one may be the first to show it.
    """
    for number in range(3):
        beyond = where(lambda v: np.abs(v.xt).max(initial=0) > limit, function)
        caught = first_catch(beyond, function, number)
        assert caught
        assert caught.law.grade == "spec" or limit == 100


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("start", [16, 32, 64, 128])
@pytest.mark.parametrize("axis", [0, 1])
def test_what_is_beyond_a_tile_is_lost(axis: int, start: int, function: str) -> None:
    assert first_catch(tail(start, axis, function), function, 0)


@pytest.mark.parametrize("whole", [True, False])
def test_projections_are_tried_of_whole_tiles_and_of_what_is_left(whole: bool) -> None:
    problems = [problem for [problem] in far_examples("lstm_layer") if isinstance(problem, LayerProblem)]
    assert any(each.n_p and each.n_a > 16 and (each.n_a % 8 == 0) == whole for each in problems)
