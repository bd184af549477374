"""ONNX Runtime: its operators `LSTM` and `RNN` on the CPU, in a model of one node.

An operator is one layer, in one or two directions, with `sequence_lens`, `initial_h` and `initial_c`; ONNX
has no projection. The weights are inputs of the graph, so that a cached session has no weights. On the CPU,
the kernel of `RNN` supports only float. The kernel of `LSTM` is also registered for double, but answers that
it does not support double yet. Around the node, float16 is cast to float.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Optional

import onnxruntime

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.frameworks.onnx_model import answer, feeds, model
from reference.contract import Array, Kind

SUPPORTS = {
    "dtypes": ["float16", "float32"],
    "caches": False,
    "head": False,
    "layers": 1,
    "projection": False,
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
    return answer(_session(model(kind, fed, options).SerializeToString()).run(None, fed))


@lru_cache(maxsize=64)
def _session(serialized: bytes) -> onnxruntime.InferenceSession:
    threads = onnxruntime.SessionOptions()
    threads.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(serialized, threads, providers=["CPUExecutionProvider"])
