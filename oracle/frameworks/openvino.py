"""OpenVINO: its operations `RNNSequence-5` and `LSTMSequence-5`, on the CPU plugin, in float32.

An operation is one layer, forward or bidirectional, with `sequence_lengths`. Initial states are required, so
absent states become zeros. An LSTM has no projection. The documentation does not say what a wrong shape does.
If the processor has bfloat16 or float16, the plugin computes in it, unless the inference precision is set.

The plugin has a recurrent kernel, but only for constant weights, as in a converted network, and for constant
lengths equal to T_x. It unrolls all other models into a loop of cells. So this adapter makes the weights
constants. If a call has no lengths, the lengths are constants, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import openvino as ov
from openvino import opset15 as ops

from oracle.frameworks.functions import COMMON_LIMITS, Call, binding, functions_of
from oracle.weights.layout import LAYOUTS, plain
from reference.contract import Array, Kind

SUPPORTS = {**COMMON_LIMITS, "dtypes": ["float32"], "layers": 1, "projection": False, "gradients": False}

_PLUGIN = {"INFERENCE_PRECISION_HINT": "f32"}


def _run(call: Call) -> list[Array]:
    weights = [np.stack([p[name] for p in call.weights]) for name in ("weight", "recurrent_weight", "bias")]
    model = _compile(
        call.kind,
        call.sequence.shape,
        call.activation,
        call.lengths is None,
        *((w.shape, w.tobytes()) for w in weights),
    )
    (m, T_x, _), D = call.sequence.shape, call.directions
    zeros = np.zeros((D, m, call.units), call.sequence.dtype)
    states = [plain((zeros if s is None else s).transpose(1, 0, 2)) for s in call.states]
    lengths = [] if call.lengths is None else [call.lengths.astype(np.int32)]
    outputs = model([call.sequence, *states, *lengths])
    a, *last = (np.array(outputs[i]) for i in range(1 + len(states)))
    return [a.transpose(0, 2, 1, 3).reshape(m, T_x, D * call.units), *(s.transpose(1, 0, 2) for s in last)]


@lru_cache(maxsize=64)
def _compile(
    kind: Kind, shape: Sequence[int], activation: str, is_whole: bool, *weights: tuple[Sequence[int], bytes]
) -> Any:
    """Return the compiled model with these weights, cached. The weights are part of the key of the cache.

    `shape` is that of the sequence. `is_whole` says that every sample has T_x steps.
    """
    W, R, B = (ops.constant(np.frombuffer(w, np.float32).reshape(shape)) for shape, w in weights)
    m, T_x, n_x = shape
    D, _, n_a = weights[1][0]
    x, *states = (
        ops.parameter(each, np.float32)
        for each in ([m, T_x, n_x], [m, D, n_a], [m, D, n_a])[: 3 if kind == "lstm" else 2]
    )
    lengths = ops.constant(np.full(m, T_x, np.int32)) if is_whole else ops.parameter([m], np.int32)
    direction = "bidirectional" if D == 2 else "forward"
    if kind == "lstm":
        node = ops.lstm_sequence(x, *states, lengths, W, R, B, n_a, direction)
    else:
        node = ops.rnn_sequence(x, *states, lengths, W, R, B, n_a, direction, activations=[activation])
    model = ov.Model(node.outputs(), [x, *states, *([] if is_whole else [lengths])], kind)
    return ov.Core().compile_model(model, "CPU", _PLUGIN)


globals().update(functions_of(LAYOUTS["openvino"], binding(_run)))
