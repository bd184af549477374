"""ONNX: its own evaluator, `onnx.reference.ReferenceEvaluator`, which computes with NumPy.

It evaluates models of one node, with the weights as inputs, which the adapter of ONNX Runtime runs, too. An
operator is one layer; ONNX has no projection. The evaluator refuses all activations of an RNN except `Tanh`
and `Affine`. It ignores `sequence_lens`, which is not documented, so `SUPPORTS` does not exclude lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

from oracle.frameworks.functions import COMMON_LIMITS, Call, bind_arrays, functions_of
from oracle.layout import LAYOUTS
from reference.contract import Array, Kind

SUPPORTS = {**COMMON_LIMITS, "layers": 1, "projection": False, "activations": ["tanh"], "gradients": False}

_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}
_OUTPUTS: Mapping[Kind, Sequence[str]] = {"rnn": ("Y", "Y_h"), "lstm": ("Y", "Y_h", "Y_c")}
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")
"""The inputs in the order of the operators; an RNN has no `initial_c`."""


def feeds(call: Call) -> dict[str, Array]:
    """The values of the node's inputs by name, without absent inputs."""
    fed = {
        "X": call.sequence,
        "W": np.stack([each["weight"] for each in call.weights]),
        "R": np.stack([each["recurrent_weight"] for each in call.weights]),
        "B": np.stack([np.concatenate([each["bias"], each["recurrent_bias"]]) for each in call.weights]),
    }
    if call.lengths is not None:
        fed["sequence_lens"] = call.lengths.astype(np.int32)
    states = zip(("initial_h", "initial_c"), call.states)
    return {**fed, **{name: state for name, state in states if state is not None}}


def model(call: Call) -> ModelProto:
    """The model for a call."""
    given = tuple((name, array.dtype.name, array.shape) for name, array in feeds(call).items())
    return _model(call.kind, given, call.directions, call.activation)


def functions_by(run: Callable[[ModelProto, dict[str, Array]], Sequence[Array]]) -> dict[str, Any]:
    """The functions of a target by name; `run(model, feeds)` returns the outputs of the node."""

    def answer(call: Call) -> list[Array]:
        Y, *last = run(model(call), feeds(call))
        T_x, D, m, n_a = Y.shape
        return [Y.transpose(0, 2, 1, 3).reshape(T_x, m, D * n_a), *last]

    return functions_of(LAYOUTS["onnx"], bind_arrays(answer), fill_states=False)


@lru_cache(maxsize=64)
def _model(kind: Kind, given: tuple[tuple[str, str, tuple[int, ...]], ...], D: int, act: str) -> ModelProto:
    shapes, outputs = {name: shape for name, _, shape in given}, _OUTPUTS[kind]
    inputs = [name if name in shapes else "" for name in _INPUTS[: 4 + len(outputs)]]
    attributes: dict[str, Any] = {"hidden_size": shapes["R"][2]}
    if D == 2:
        attributes["direction"] = "bidirectional"
    if act != "tanh":
        attributes["activations"] = [_ACTIVATIONS[act]] * D

    def value(name: str, dtype: str, shape: tuple[int, ...]) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

    T_x, m, _ = shapes["X"]
    last = (D, m, shapes["R"][2])
    shown = dict(zip(outputs, [(T_x, *last), last, last]))

    graph = helper.make_graph(
        [helper.make_node(kind.upper(), inputs, outputs, **attributes)],
        kind,
        [value(*each) for each in given],
        [value(name, given[0][1], shown[name]) for name in outputs],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def _run(model: ModelProto, feeds: dict[str, Array]) -> Any:
    return ReferenceEvaluator(model).run(None, feeds)


globals().update(functions_by(_run))
