"""ONNX: its own evaluator, `onnx.reference.ReferenceEvaluator`, which computes with NumPy.

It evaluates the models that the adapter of ONNX Runtime makes. An operator is one layer; ONNX has no
projection. The evaluator refuses all activations of an RNN except `Tanh` and `Affine`. It ignores
`sequence_lens`, which is not documented, so `SUPPORTS` does not exclude lengths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from onnx.reference import ReferenceEvaluator

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.frameworks.onnx_model import answer, feeds, model
from reference.contract import Array, Kind

SUPPORTS = {
    "caches": False,
    "head": False,
    "layers": 1,
    "projection": False,
    "activations": ["tanh"],
    "bad_shapes": False,
    "gradients": False,
}

Layers = Sequence[Mapping[str, Array]]
State = Optional[Array]


def rnn_layer(x: Array, a0: State, parameters: Layers, options: Mapping[str, Any]) -> tuple[Array, ...]:
    """One layer, by the operator `RNN`."""
    return _run("rnn", x, [a0], parameters, options)


def lstm_layer(
    x: Array, a0: State, c0: State, parameters: Layers, options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """One layer, by the operator `LSTM`."""
    return _run("lstm", x, [a0, c0], parameters, options)


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _run(
    kind: Kind, x: Array, states: Sequence[State], parameters: Layers, options: Mapping[str, Any]
) -> tuple[Array, ...]:
    fed = feeds(kind, x, states, parameters, options)
    outputs: Any = ReferenceEvaluator(model(kind, fed, options)).run(None, fed)
    return answer(outputs)
