"""Gradients by the differentiation of each installed framework are those of the reference."""

import importlib
import os
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import reference
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.selection import needs

pytestmark = pytest.mark.filterwarnings("ignore")  # frameworks give warnings of many kinds

NAMES = [
    "torch_mkldnn_off",
    "torch_script",
    pytest.param("keras_layers", marks=needs("keras", "keras")),
    pytest.param("flax_nnx", marks=needs("flax", "jax")),
    pytest.param("mlx", marks=needs("mlx", "mlx")),
    pytest.param("paddle", marks=needs("paddle", "paddle")),
    pytest.param("tinygrad", marks=needs("tinygrad", "tinygrad")),
]
SIZES: dict[str, Any] = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4, "dtype": "float32"}
PROBLEMS = {
    "RNN": Problem.rnn_layer(**SIZES, activation="relu", seed=1),
    "RNNs": Problem.rnn_layer(**SIZES, layers=2, directions=2, seed=2),
    "LSTM": Problem.lstm_layer(**SIZES, seed=3),
    "LSTMs": Problem.lstm_layer(**SIZES, layers=2, lengths="random", seed=4),
    "projected": Problem.lstm_layer(**SIZES, n_p=2, directions=2, lengths="with 1", seed=5),
}


def adapter(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the adapter. Keras uses the backend torch if no other is set."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"oracle.frameworks.{name}")


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=[*PROBLEMS])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_reference(
    name: str, problem: LayerProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Takes seconds with a framework that compiles."""
    module, function = adapter(name, monkeypatch), f"{problem.kind}_backward"
    limits = Limits.parse(module.SUPPORTS)
    if not (limits.gradients and hasattr(module, function)):
        pytest.skip(f"{name} has no gradients of {problem.kind}")
    problem = limits.fitted(problem)  # type: ignore[assignment]
    *found, by_parameters = getattr(module, function)(*problem.arguments(function))
    *expected, of_reference = getattr(reference, function)(*problem.arguments(function))
    assert [by.keys() for by in by_parameters] == [by.keys() for by in of_reference]
    found += [by[key] for by in by_parameters for key in sorted(by)]
    expected += [by[key] for by in of_reference for key in sorted(by)]
    for theirs, ours in zip(found, expected, strict=True):
        assert theirs.dtype == ours.dtype
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)
