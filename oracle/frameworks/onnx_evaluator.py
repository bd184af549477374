"""ONNX's own evaluator, `onnx.reference.ReferenceEvaluator`, on the model that ONNX Runtime gets: NumPy.

An operator is one layer, and ONNX has no projection. Of an RNN it refuses any other activation than `Tanh`
and `Affine`, as its source has no others. `sequence_lens` it takes and does not read, which nothing
documents: so lengths are not declared away.
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
    """One layer by the operator `RNN`."""
    return _run("rnn", x, [a0], parameters, options)


def lstm_layer(
    x: Array, a0: State, c0: State, parameters: Layers, options: Mapping[str, Any]
) -> tuple[Array, ...]:
    """One layer by the operator `LSTM`."""
    return _run("lstm", x, [a0, c0], parameters, options)


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _run(
    kind: Kind, x: Array, states: Sequence[State], parameters: Layers, options: Mapping[str, Any]
) -> tuple[Array, ...]:
    fed = feeds(kind, x, states, parameters, options)
    outputs: Any = ReferenceEvaluator(model(kind, fed, options)).run(None, fed)
    return answer(outputs)
