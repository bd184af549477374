"""The adapters of OpenVINO, ncnn and Paddle, if installed, agree with the reference."""

import importlib
import warnings
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import reference
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.selection import needs
from oracle.weights.layout import LAYOUTS

pytestmark = pytest.mark.filterwarnings("ignore")  # frameworks give warnings of many kinds

NAMES = [pytest.param(name, marks=needs(name, name)) for name in ("openvino", "ncnn", "paddle")]
LSTMS: dict[str, dict[str, Any]] = {
    "one layer": {},
    "two directions": {"directions": 2},
    "lengths": {"lengths": "random", "directions": 2},
    "projection": {"n_p": 2, "directions": 2},
    "layers": {"layers": 3, "directions": 2, "lengths": "with 1"},
}
RNNS: dict[str, dict[str, Any]] = {
    "one layer": {},
    "relu": {"activation": "relu", "directions": 2, "lengths": "random"},
    "layers": {"layers": 2},
}


def adapter(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"oracle.frameworks.{name}")


def supported(module: ModuleType, given: dict[str, Any], dtype: str) -> bool:
    supports = module.SUPPORTS
    return (
        dtype in supports["dtypes"]
        and given.get("layers", 1) <= supports.get("layers", given.get("layers", 1))
        and (supports.get("lengths", True) or "lengths" not in given)
        and (supports.get("projection", True) or "n_p" not in given)
        and given.get("activation", "tanh") in supports.get("activations", ["tanh", "relu"])
    )


def assert_agrees(module: ModuleType, problem: LayerProblem, *, absent: bool = False) -> None:
    """Assert that the adapter agrees with the reference."""
    arguments = problem.arguments(problem.kind)
    if absent:
        arguments[1:-2] = [None] * len(arguments[1:-2])
    expected = getattr(reference, problem.kind)(*arguments)
    tolerance = 1e-5 if problem.dtype == "float32" else 1e-13
    for ours, theirs in zip(expected, getattr(module, problem.kind)(*arguments), strict=True):
        assert theirs.dtype == problem.dtype
        np.testing.assert_allclose(theirs, ours, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("absent", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_layer_answers_as_the_reference_does(name: str, absent: bool) -> None:
    """For all problems that the framework supports."""
    module = adapter(name)
    cases: list[tuple[Any, dict[str, Any]]] = [
        *(("lstm_layer", given) for given in LSTMS.values()),
        *(("rnn_layer", given) for given in RNNS.values()),
    ]
    dtypes: tuple[Any, ...] = ("float32", "float64")
    done = [
        (kind, given, dtype)
        for (kind, given), dtype in product(cases, dtypes)
        if supported(module, given, dtype)
    ]
    assert done
    for (kind, given, dtype), (seed, n_a) in product(done, enumerate((3, 8))):
        sizes: dict[str, Any] = {"n_x": 3, "n_a": n_a, "m": 4, "T_x": 5, "seed": seed, "dtype": dtype}
        assert_agrees(module, LayerProblem(kind, **sizes, **given), absent=absent)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_shape_with_other_weights_is_answered_anew(name: str) -> None:
    module = adapter(name)
    for seed in (1, 2, 1):
        assert_agrees(module, Problem.lstm_layer(n_x=2, n_a=3, m=2, T_x=3, seed=seed, dtype="float32"))


@pytest.mark.parametrize("name", NAMES)
def test_states_of_more_than_a_kilobyte_are_held_until_they_are_read(name: str) -> None:
    module = adapter(name)  # NumPy keeps smaller arrays for a while after they are freed
    assert_agrees(module, Problem.lstm_layer(n_x=4, n_a=200, m=3, T_x=2, directions=2, dtype="float32"))


@pytest.mark.parametrize("name", NAMES)
def test_the_four_functions_call_the_layer(name: str) -> None:
    module = adapter(name)
    problem = Problem.lstm(n_x=3, n_a=4, n_y=1, m=2, T_x=3, dtype="float32")
    for function, shown in (("lstm_forward", 1), ("lstm_cell_forward", 2)):
        arguments = problem.arguments(function)
        expected = getattr(reference, function)(*arguments)
        for ours, theirs in zip(expected[:shown], getattr(module, function)(*arguments), strict=False):
            np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)


@needs("paddle", "paddle")
def test_weights_of_paddles_layer_convert_back() -> None:
    module = adapter("paddle")
    problem = Problem.lstm_layer(n_x=3, n_a=4, n_p=2, m=1, T_x=1, layers=2, directions=2, dtype="float32")
    parameters = problem.inputs("lstm_layer").parameters
    paddle = importlib.import_module("paddle")
    layer = paddle.nn.LSTM(3, 4, num_layers=2, direction="bidirect", proj_size=2)
    module.set_weights(layer, [LAYOUTS["paddle"].stack("lstm", p) for p in parameters])
    state = {name: value.numpy() for name, value in layer.state_dict().items()}
    for k, given in enumerate(parameters):
        prefix = f"{k // 2}.{('cell_fw', 'cell_bw')[k % 2]}."
        stacked = {ours: state[prefix + theirs] for ours, theirs in module.PARAMETER_NAMES.items()}
        back = LAYOUTS["paddle"].unstack("lstm", stacked)
        assert back.keys() == given.keys()
        for name, array in given.items():
            np.testing.assert_array_equal(back[name], array)
