import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from oracle.problem import DType, Problem
from oracle.regimes import Regime
from properties.explanations.printed_values import LINES, WIDTH, values
from reference.contract import CONTRACTS, FUNCTIONS

SIZES = ({"n_x": 1, "n_a": 1, "n_y": 1, "m": 1, "T_x": 1}, {"n_x": 1, "n_a": 2, "n_y": 2, "m": 2, "T_x": 2})


@pytest.mark.parametrize(("function", "sizes"), [*product(FUNCTIONS, SIZES)])
def test_what_is_shown_is_the_problem(function: str, sizes: dict[str, int]) -> None:
    regimes: list[Regime] = ["ternary", "unit"]
    dtypes: list[DType] = ["float64", "float32", "float16"]
    for regime, dtype in product(regimes, dtypes):
        problem = Problem(CONTRACTS[function].kind, **sizes, regime=regime, dtype=dtype, seed=3)
        shown = values(problem, function)
        if not shown:
            assert (regime, sizes) == ("unit", SIZES[1])
            continue
        assert len(shown.splitlines()) <= LINES
        assert max(map(len, shown.splitlines())) <= WIDTH
        said = eval(f"dict({shown})".replace("\n", ", "))
        *arrays, parameters = problem.arguments(function)
        given = {**dict(zip(CONTRACTS[function].arguments, arrays, strict=True)), **parameters}
        assert {*said} == {*given}
        assert all(np.array_equal(np.array(said[name], dtype), array) for name, array in given.items())


def test_whole_numbers_are_short_and_what_is_large_or_empty_is_left_out() -> None:
    small = Problem.rnn(**SIZES[0], regime="ternary", seed=1)
    assert values(small, "rnn_forward").startswith("x = [[[0]]], a0 = [[1]], Wax = [[1]], Waa")
    assert values(Problem.rnn(n_x=3, n_a=40, n_y=1, m=1, T_x=1, regime="ternary"), "rnn_forward") == ""
    assert values(Problem.rnn(n_x=0, n_a=1, n_y=1, m=1, T_x=1), "rnn_forward") == ""


def test_the_arguments_of_layers_and_backward_passes_are_shown() -> None:
    """Of a backward pass those of the forward pass, too, without the head."""
    shown = values(Problem.rnn(**SIZES[0], regime="ternary", seed=1), "rnn_cell_backward")
    assert re.findall(r"(\w+) = ", shown) == ["da_next", "xt", "a_prev", "Wax", "Waa", "ba"]
    layer = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=2, lengths="equal", regime="ternary", seed=1)
    names = ["x", "a0", "Waa", "Wax", "ba", "lengths"]
    assert sorted(re.findall(r"(\w+) = ", values(layer, "rnn_layer"))) == sorted(names)
    shown = values(layer, "rnn_layer_backward")
    assert sorted(re.findall(r"(\w+) = ", shown)) == sorted(["da", "da_last", *names])
    assert 'parameters[1]["ba"] = ' in values(replace(layer, layers=2), "rnn_layer")
