"""The adapters of Keras, Flax, MLX and tinygrad, if installed, agree with the reference."""

import importlib
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from oracle.frameworks.functions import LayerProperties
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.selection import needs
from oracle.weights.layout import LAYOUTS
from reference import lstm_layer, rnn_layer
from reference.contract import Array, Kind

pytestmark = pytest.mark.filterwarnings("ignore")  # frameworks give warnings of many kinds

REFERENCE: dict[str, Any] = {"rnn_layer": rnn_layer, "lstm_layer": lstm_layer}
NEEDS = {
    "keras_layers": needs("keras", "keras"),
    "flax_nnx": needs("flax", "jax"),
    "mlx": needs("mlx", "mlx"),
    "tinygrad": needs("tinygrad", "tinygrad"),
}


@pytest.fixture(params=[pytest.param(name, marks=mark) for name, mark in NEEDS.items()])
def adapter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the adapter. Keras uses the backend torch if no other is set."""
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    return importlib.import_module(f"oracle.frameworks.{request.param}")


def within(supports: Any, problem: LayerProblem) -> bool:
    """Whether the framework supports a problem."""
    return bool(
        problem.layers <= supports.get("layers", 2)
        and problem.directions <= supports.get("directions", 2)
        and (supports.get("lengths", True) or problem.lengths == "absent")
    )


sizes = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4, "dtype": "float32"}
PROBLEMS = [
    *(
        Problem.lstm_layer(**sizes, layers=layers, directions=directions, lengths=lengths, seed=seed)
        for seed, (layers, directions, lengths) in enumerate(
            [(1, 1, "absent"), (1, 1, "random"), (1, 2, "absent"), (2, 2, "random")]
        )
    ),
    Problem.rnn_layer(**sizes),
    Problem.rnn_layer(**sizes, activation="relu", seed=1),
    Problem.rnn_layer(**sizes, layers=2, directions=2, lengths="with 1", seed=2),
]
ABSENT: list[tuple[int, tuple[int, ...]]] = [(0, (0,)), (2, (0, 1)), (4, (0,))]
"""Indices of problems, and the indices of the initial states that are absent."""


def test_adapters_return_the_specified_values(adapter: Any) -> None:
    """For all problems that the framework supports."""
    asked = [*((problem, ()) for problem in PROBLEMS), *((PROBLEMS[k], absent) for k, absent in ABSENT)]
    done = [each for each in asked if hasattr(adapter, each[0].kind) and within(adapter.SUPPORTS, each[0])]
    assert done
    for problem, absent in done:
        assert_specified(adapter, problem, absent)


def assert_specified(adapter: Any, problem: LayerProblem, absent: tuple[int, ...]) -> None:
    x, *initial, parameters, options = problem.arguments(problem.kind)
    initial = [None if k in absent else states for k, states in enumerate(initial)]
    expected = REFERENCE[problem.kind](x, *initial, parameters, options)
    actual = getattr(adapter, problem.kind)(x, *initial, parameters, options)
    for theirs, ours in zip(actual, expected, strict=True):
        assert theirs.dtype == ours.dtype
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)


def weights_in_framework(name: str, kind: Kind, parameters: Mapping[str, Array]) -> dict[str, Array]:
    """Set the weights of a layer of the framework, and return them as the layer has them."""
    module: Any = importlib.import_module(f"oracle.frameworks.{name}")
    n_a, n_in = len(parameters["ba" if kind == "rnn" else "bf"]), 2
    if name == "keras_layers":
        layer = module.recurrent_layer(LayerProperties(kind, n_in, n_a, 1, "tanh", "float32"))
        stacked = LAYOUTS["keras"].stack(kind, parameters)
        layer.set_weights([stacked[each] for each in ("weight", "recurrent_weight", "bias")])
        given = [module.keras.ops.convert_to_numpy(weight.value) for weight in layer.weights]
        return dict(zip(("weight", "recurrent_weight", "bias"), given, strict=True))
    rnn = module.recurrent_layer(LayerProperties(kind, n_in, n_a, 1, "tanh", "float32"))
    module.set_weights(kind, rnn.cell, LAYOUTS["flax"].stack(kind, parameters))
    bias = rnn.cell.dense_h.bias if kind == "lstm" else rnn.cell.dense_i.bias
    arrays = {
        "weight": rnn.cell.dense_i.kernel,
        "recurrent_weight": rnn.cell.dense_h.kernel,
        "bias": bias,
    }
    return {each: np.asarray(array[...]) for each, array in arrays.items()}


@pytest.mark.parametrize("kind", ["rnn", "lstm"])
@pytest.mark.parametrize(
    ("name", "layout"),
    [
        pytest.param(name, layout, marks=NEEDS[name])
        for name, layout in {"keras_layers": "keras", "flax_nnx": "flax"}.items()
    ],
)
def test_weights_of_the_frameworks_layer_convert_back(
    name: str, layout: str, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "torch"))
    problem = Problem.rnn_layer(**sizes) if kind == "rnn" else Problem.lstm_layer(**sizes)
    (parameters,) = problem.inputs(problem.kind).parameters
    back = LAYOUTS[layout].unstack(kind, weights_in_framework(name, kind, parameters))
    assert back.keys() == parameters.keys()
    for each, array in parameters.items():
        np.testing.assert_array_equal(back[each], array, err_msg=each)
