"""An ONNX model of one `LSTM` or `RNN` node, with the weights as inputs, and the values of its inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Optional

import numpy as np
from onnx import ModelProto, helper

from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

ONNX = LAYOUTS["onnx"]
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}
_OUTPUTS: Mapping[Kind, Sequence[str]] = {"rnn": ("Y", "Y_h"), "lstm": ("Y", "Y_h", "Y_c")}
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")
"""The inputs in the order of the operators; an RNN has no `initial_c`."""


def feeds(
    kind: Kind,
    x: Array,
    states: Sequence[Optional[Array]],  # noqa: UP045
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> dict[str, Array]:
    """The values of the node's inputs by name, without absent inputs."""
    stacked = [ONNX.stack(kind, p) for p in parameters]
    fed = {
        "X": ONNX.sequence(x),
        "W": np.stack([each["weight"] for each in stacked]),
        "R": np.stack([each["recurrent_weight"] for each in stacked]),
        "B": np.stack([np.concatenate([each["bias"], each["recurrent_bias"]]) for each in stacked]),
    }
    if options.get("lengths") is not None:
        fed["sequence_lens"] = np.asarray(options["lengths"]).astype(np.int32)
    for name, state in zip(("initial_h", "initial_c"), states):
        if state is not None:
            fed[name] = plain(state.transpose(0, 2, 1))
    return fed


def model(kind: Kind, fed: Mapping[str, Array], options: Mapping[str, Any]) -> ModelProto:
    """The model with the inputs in `fed`."""
    given = tuple((name, array.dtype.name, array.shape) for name, array in fed.items())
    return _model(kind, given, options.get("directions", 1), options.get("activation", "tanh"))


def answer(outputs: Sequence[Array]) -> tuple[Array, ...]:
    """The outputs of the node in the layout of the specification."""
    Y, *last = outputs
    T_x, D, m, n_a = Y.shape
    a = ONNX.from_sequence(Y.transpose(0, 2, 1, 3).reshape(T_x, m, D * n_a))
    return (a, *(state.transpose(0, 2, 1) for state in last))


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
