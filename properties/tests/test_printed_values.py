import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from oracle.problems.drawing import Regime
from oracle.problems.problem import TRAINED, DType, Problem, changed_inputs
from properties.explanations import printed_values
from properties.explanations.printed_values import LINE_WIDTH, MOST_LINES
from reference.contract import CONTRACTS, FUNCTIONS

SIZES = ({"n_x": 1, "n_a": 1, "n_y": 1, "m": 1, "T_x": 1}, {"n_x": 1, "n_a": 2, "n_y": 2, "m": 2, "T_x": 2})


def printed_arguments(problem: Problem, function: str) -> str:
    return printed_values.printed_arguments(problem.inputs(function), function)


@pytest.mark.parametrize(("function", "sizes"), [*product(FUNCTIONS, SIZES)])
def test_what_is_shown_is_the_problem(function: str, sizes: dict[str, int]) -> None:
    regimes: list[Regime] = ["ternary", "unit"]
    dtypes: list[DType] = ["float64", "float32", "float16"]
    for regime, dtype in product(regimes, dtypes):
        problem = Problem(CONTRACTS[function].kind, **sizes, regime=regime, dtype=dtype, seed=3)
        shown = printed_arguments(problem, function)
        if not shown:
            assert (regime, sizes) == ("unit", SIZES[1])
            continue
        assert len(shown.splitlines()) <= MOST_LINES
        assert max(map(len, shown.splitlines())) <= LINE_WIDTH
        said = eval(f"dict({shown})".replace("\n", ", "))
        *arrays, parameters = problem.arguments(function)
        given = {**dict(zip(CONTRACTS[function].arguments, arrays, strict=True)), **parameters}
        assert {*said} == {*given}
        assert all(np.array_equal(np.array(said[name], dtype), array) for name, array in given.items())


def test_whole_numbers_are_short_and_what_is_large_or_empty_is_left_out() -> None:
    small = Problem.rnn(**SIZES[0], regime="ternary", seed=1)
    assert printed_arguments(small, "rnn_forward").startswith("x = [[[0]]], a0 = [[1]], Wax = [[1]], Waa")
    large = Problem.rnn(n_x=3, n_a=40, n_y=1, m=1, T_x=1, regime="ternary")
    assert printed_arguments(large, "rnn_forward") == ""
    assert printed_arguments(Problem.rnn(n_x=0, n_a=1, n_y=1, m=1, T_x=1), "rnn_forward") == ""


def test_the_arguments_of_layers_and_backward_passes_are_shown() -> None:
    """Of a backward pass those of the forward pass, too, without the head."""
    shown = printed_arguments(Problem.rnn(**SIZES[0], regime="ternary", seed=1), "rnn_cell_backward")
    assert re.findall(r"(\w+) = ", shown) == ["da_next", "xt", "a_prev", "Wax", "Waa", "ba"]
    layer = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=2, lengths="equal", regime="ternary", seed=1)
    names = ["x", "a0", "Waa", "Wax", "ba", "lengths"]
    assert sorted(re.findall(r"(\w+) = ", printed_arguments(layer, "rnn_layer"))) == sorted(names)
    shown = printed_arguments(layer, "rnn_layer_backward")
    assert sorted(re.findall(r"(\w+) = ", shown)) == sorted(["da", "da_last", *names])
    assert 'parameters[1]["ba"] = ' in printed_arguments(replace(layer, layers=2), "rnn_layer")


def test_of_a_call_after_another_only_what_differs_is_shown() -> None:
    for seed in range(5):
        problem = Problem.rnn(**SIZES[0], regime="ternary", seed=seed)
        inputs = problem.inputs("rnn_forward")
        for change, changed in changed_inputs("rnn_forward", problem):
            shown = printed_values.printed_arguments(changed, "rnn_forward", inputs)
            names = re.findall(r"(\w+) = ", shown)
            assert names in ([], [change.removeprefix("another ")]) or change == TRAINED
