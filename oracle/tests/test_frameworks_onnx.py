"""The adapters of ONNX, LiteRT and torch are within the bounds, for all that they support."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oracle.frameworks.functions import Call
from oracle.problems.problem import LayerKind, LayerProblem, Problem
from oracle.tests.programs import assert_within
from oracle.tests.selection import needs
from oracle.weights.conversion import from_torch, to_torch
from oracle.weights.layout import LAYOUTS
from oracle.witnesses.bounds import bounds_on
from reference.contract import CONTRACTS, Array

NEEDS: dict[str, list[pytest.MarkDecorator]] = {
    "onnxruntime": [needs("onnxruntime", "onnx")],
    "onnx_evaluator": [needs("onnx", "onnx")],
    "litert": [needs("ai_edge_litert", "litert")],
    "torch_script": [],
    "torch_mkldnn_off": [],
    "torch_autocast": [],
    "torch_compile": [],
    "torch_exported": [needs("onnxscript", "export")],
}
SLOW = ("torch_compile", "torch_exported")
"""Adapters that take ten seconds or more until the first answer: tested if SLOW_FRAMEWORKS is set."""
NAMES = [
    pytest.param(name, marks=marks)
    for name, marks in NEEDS.items()
    if name not in SLOW or "SLOW_FRAMEWORKS" in os.environ
]
WITHOUT: dict[str, dict[str, Any]] = {
    "onnx_evaluator": {"lengths": False},
    "torch_autocast": {"dtypes": ["float64"]},
}
"""Defects that are not declared: the evaluator ignores lengths. Autocast changes only float32."""

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def adapter(name: str) -> Any:
    return importlib.import_module(f"oracle.frameworks.{name}")


def supported(supports: dict[str, Any], kind: LayerKind) -> list[LayerProblem]:
    """Return a problem for each combination of features that an adapter supports."""
    stackings = [(1, 1), (1, 2)] if supports.get("layers") == 1 else [(1, 1), (2, 2)]
    lengths: list[Any] = ["absent", "random"] if supports.get("lengths", True) else ["absent"]
    if kind == "lstm_layer":
        own: list[Any] = [{"n_p": n_p} for n_p in ([0, 2] if supports.get("projection", True) else [0])]
    else:
        own = [{"activation": name} for name in supports.get("activations", ["tanh", "relu"])]
    dtype: Any = supports.get("dtypes", ["float64"])[-1]
    return [
        LayerProblem(
            kind, 3, n_a=4, m=2, T_x=3, seed=8, layers=L, directions=D, lengths=given, dtype=dtype, **each
        )
        for (L, D), given, each in product(stackings, lengths, own)
    ]


def answered(function: Any, kind: LayerKind, arguments: list[Any]) -> dict[str, Array]:
    """Return the outputs in the shapes of the oracle, with the last states one below the other."""
    a, *last = function(*arguments)
    outputs = zip(CONTRACTS[kind].outputs, [a, *(s.reshape(-1, s.shape[2], 1) for s in last)], strict=True)
    return dict(outputs)


@pytest.mark.parametrize("kind", ["rnn_layer", "lstm_layer"])
@pytest.mark.parametrize("name", NAMES)
def test_answers_are_within_the_bound(name: str, kind: Any) -> None:
    module = adapter(name)
    problems = supported({**module.SUPPORTS, **WITHOUT.get(name, {})}, kind)
    for problem in problems[-1:] if name in SLOW else problems:
        inputs = problem.inputs(kind)
        answer = answered(getattr(module, kind), kind, problem.arguments(kind))
        assert {str(array.dtype) for array in answer.values()} == {problem.dtype}
        assert_within(answer, bounds_on(inputs))


@pytest.mark.parametrize("kind", ["rnn_layer", "lstm_layer"])
@pytest.mark.parametrize("name", NAMES)
def test_absent_states_are_zeros_and_no_call_remembers_another(name: str, kind: Any) -> None:
    module = adapter(name)
    function = getattr(module, kind)
    dtype: Any = "float64" if name == "torch_autocast" else "float32"
    one, other = (
        LayerProblem(kind, 3, n_a=4, m=2, T_x=3, seed=seed, dtype=dtype).arguments(kind) for seed in (1, 2)
    )
    x, *states, parameters, options = one
    zeros = function(x, *(np.zeros_like(state) for state in states), parameters, options)
    function(*other)
    absent = function(x, *(None for _ in states), parameters, options)
    for given, expected in zip(absent, zeros, strict=True):
        np.testing.assert_allclose(given, expected, rtol=1e-6, atol=1e-7)


@needs("onnx", "onnx")
@pytest.mark.parametrize(
    "problem",
    [
        Problem.lstm_layer(n_x=3, n_a=4, m=2, T_x=3, directions=2, lengths="random"),
        Problem.rnn_layer(n_x=3, n_a=4, m=2, T_x=3, activation="relu", dtype="float32"),
        Problem.rnn_layer(n_x=3, n_a=4, m=0, T_x=0, dtype="float16"),
    ],
)
def test_the_checker_of_onnx_accepts_the_models(problem: LayerProblem) -> None:
    checker = importlib.import_module("onnx.checker")
    from oracle.frameworks.onnx_evaluator import functions_by

    models: list[Any] = []

    def answer(model: Any, _: Any) -> Any:
        models.append(model)
        n_a, m, D = problem.n_a, problem.m, problem.directions
        return [np.zeros((problem.T_x, D, m, n_a)), *[np.zeros((D, m, n_a))] * 2]

    functions_by(answer)[problem.kind](*problem.arguments(problem.kind))
    checker.check_model(*models, full_check=True)


LEDGER = (Path(__file__).parents[2] / "FINDINGS.md").read_text(encoding="utf-8")
SCRIPTS = [
    script for script in re.findall(r"```python\n(.*?)```", LEDGER, re.DOTALL) if "h.make_model" in script
]
CHECKED = """
import sys
from importlib.util import find_spec
from unittest.mock import MagicMock
from onnx import checker, helper
for name in ("MNN", "_tools", "cv2", "tract"):  # runtimes that need not be installed for the model alone
    if find_spec(name) is None:
        sys.modules[name] = MagicMock()
made = helper.make_model
def make_model(*given, **how):
    model = made(*given, **how)
    checker.check_model(model, full_check=True)
    print("valid", flush=True)
    return model
helper.make_model = make_model
"""


@needs("onnxruntime", "onnx")
@pytest.mark.parametrize("script", SCRIPTS)
def test_the_checker_of_onnx_accepts_the_models_of_the_ledger(script: str, tmp_path: Path) -> None:
    """Takes a second each: a script may end its process and write a model, so each has its own process."""
    done = subprocess.run(
        [sys.executable, "-c", CHECKED + script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("valid"), done.stderr
    assert "ValidationError" not in done.stderr


@needs("onnx", "onnx")
def test_weights_survive_the_way_into_an_onnx_model_and_back() -> None:
    from oracle.frameworks.onnx_evaluator import feeds

    problem = Problem.lstm_layer(n_x=3, n_a=4, m=2, T_x=1, directions=2)
    fed = feeds(Call.of(LAYOUTS["onnx"], "lstm", *problem.arguments("lstm_layer")))
    for k, p in enumerate(problem.inputs("lstm_layer").parameters):
        bias, recurrent_bias = np.split(fed["B"][k], 2)
        stacked = {"weight": fed["W"][k], "recurrent_weight": fed["R"][k]}
        back = LAYOUTS["onnx"].unstack("lstm", {**stacked, "bias": bias, "recurrent_bias": recurrent_bias})
        for name, array in p.items():
            np.testing.assert_array_equal(back[name], array)


def test_weights_survive_the_way_into_a_module_of_torch_and_back() -> None:
    problem = Problem.lstm_layer(n_x=3, n_a=4, m=2, T_x=1, layers=2, directions=2, n_p=2)
    parameters = problem.arguments("lstm_layer")[-2]
    module = torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2, dtype=torch.float64)
    state = {name: torch.tensor(array) for name, array in to_torch("lstm", parameters, 2).items()}
    module.load_state_dict(state)
    back, directions = from_torch("lstm", {n: t.numpy() for n, t in module.state_dict().items()})
    assert directions == 2
    for given, p in zip(back, parameters, strict=True):
        for name, array in p.items():
            np.testing.assert_array_equal(given[name], array)
