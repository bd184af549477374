"""ONNX: its own evaluator, `onnx.reference.ReferenceEvaluator`, which computes with NumPy.

Each model is one node, which is one layer, and takes the weights as inputs. The adapter `onnxruntime` runs
the same models. ONNX has no projection. The evaluator refuses all activations of an RNN except `Tanh` and
`Affine`. It ignores `sequence_lens`. Its documentation does not say so, so `SUPPORTS` does not exclude
lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from onnx import ModelProto, helper
from onnx.reference import ReferenceEvaluator

from oracle.frameworks.functions import COMMON_LIMITS, Call, binding, functions_of
from oracle.weights.layout import LAYOUTS
from reference.contract import Array, Kind

SUPPORTS = {**COMMON_LIMITS, "layers": 1, "projection": False, "activations": ["tanh"], "gradients": False}

_OUTPUTS: Mapping[Kind, Sequence[str]] = {"rnn": ("Y", "Y_h"), "lstm": ("Y", "Y_h", "Y_c")}
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")
"""The inputs of the operators, in order. An RNN has no `initial_c`."""


def feeds(call: Call) -> dict[str, Array]:
    """Return the values of the node's inputs by name, without absent inputs."""
    values = {
        "X": call.sequence,
        "W": np.stack([each["weight"] for each in call.weights]),
        "R": np.stack([each["recurrent_weight"] for each in call.weights]),
        "B": np.stack([np.concatenate([each["bias"], each["recurrent_bias"]]) for each in call.weights]),
    }
    if call.lengths is not None:
        values["sequence_lens"] = call.lengths.astype(np.int32)
    states = zip(_INPUTS[5:], call.states)
    return {**values, **{name: state for name, state in states if state is not None}}


def functions_by(run: Callable[[ModelProto, dict[str, Array]], Sequence[Array]]) -> dict[str, Any]:
    """Return the functions of a target by name. `run(model, feeds)` returns the outputs of the node."""

    def outputs(call: Call) -> list[Array]:
        fed = feeds(call)
        inputs = tuple((name, array.dtype.name, array.shape) for name, array in fed.items())
        Y, *last = run(_model(call.kind, inputs, call.directions, call.activation), fed)
        T_x, D, m, n_a = Y.shape
        return [Y.transpose(0, 2, 1, 3).reshape(T_x, m, D * n_a), *last]

    return functions_of(LAYOUTS["onnx"], binding(outputs), fill_states=False)


@lru_cache(maxsize=64)
def _model(
    kind: Kind, inputs: Sequence[tuple[str, str, tuple[int, ...]]], D: int, activation: str
) -> ModelProto:
    """Return the model whose inputs have these names, dtypes and shapes, cached."""
    shapes, outputs = {name: shape for name, _, shape in inputs}, _OUTPUTS[kind]
    attributes: dict[str, Any] = {"hidden_size": shapes["R"][2]}
    if D == 2:
        attributes["direction"] = "bidirectional"
    if activation != "tanh":
        attributes["activations"] = [activation.capitalize()] * D

    def value(name: str, dtype: str, shape: tuple[int, ...]) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

    T_x, m, _ = shapes["X"]
    last = (D, m, shapes["R"][2])
    names = [name if name in shapes else "" for name in _INPUTS[: 4 + len(outputs)]]
    graph = helper.make_graph(
        [helper.make_node(kind.upper(), names, outputs, **attributes)],
        kind,
        [value(*each) for each in inputs],
        [value(name, inputs[0][1], shape) for name, shape in zip(outputs, [(T_x, *last), last, last])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)


def _run(model: ModelProto, feeds: dict[str, Array]) -> Any:
    return ReferenceEvaluator(model).run(None, feeds)


globals().update(functions_by(_run))
