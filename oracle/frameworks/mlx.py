"""MLX: `mlx.nn.LSTM` and `mlx.nn.RNN`, on the CPU.

A sequence is `(batch, time, features)`: NLD in its documentation. A state is `hidden (batch, units)`, of an
LSTM also `cell`; absent, the first step leaves out their terms. What is returned is the hidden state at each
step, of an LSTM also the memory state: the last states are those of the last step. There is one direction,
and no stack, lengths or projection. float64 is documented to run on the CPU only, and weights are drawn in
float32; they are set here in the precision of the problem.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array

MLX = LAYOUTS["mlx"]
SUPPORTS = {
    "caches": False,
    "head": False,
    "layers": 1,
    "directions": 1,
    "lengths": False,
    "projection": False,
    "bad_shapes": False,
}

mx.set_default_device(mx.cpu)


def rnn_layer(
    x: Array, a0: Array | None, parameters: Sequence[Mapping[str, Array]], options: Mapping[str, Any]
) -> tuple[Array, Array]:
    """`mlx.nn.RNN`."""
    stacked = MLX.stack("rnn", parameters[0])
    units = len(stacked["bias"])
    module: Any = nn.RNN(len(x), units, nonlinearity=nn.relu if options.get("activation") == "relu" else None)
    module.Wxh, module.Whh = _array(stacked["weight"]), _array(stacked["recurrent_weight"])
    module.bias = _array(stacked["bias"])
    a = MLX.from_sequence(np.array(module(_array(MLX.sequence(x)), _state(a0))))
    return a, a[None, :, :, -1]


def lstm_layer(
    x: Array,
    a0: Array | None,
    c0: Array | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, Array, Array]:
    """`mlx.nn.LSTM`."""
    stacked = MLX.stack("lstm", parameters[0])
    module: Any = nn.LSTM(len(x), len(parameters[0]["bf"]))
    module.Wx, module.Wh = _array(stacked["weight"]), _array(stacked["recurrent_weight"])
    module.bias = _array(stacked["bias"])
    hidden, cell = module(_array(MLX.sequence(x)), _state(a0), _state(c0))
    a, c = (MLX.from_sequence(np.array(states)) for states in (hidden, cell))
    return a, a[None, :, :, -1], c[None, :, :, -1]


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _array(array: Array) -> Any:
    """In its own precision: without a dtype, MLX makes float32 of float64."""
    return mx.array(array, getattr(mx, array.dtype.name))


def _state(states: Array | None) -> Any:
    return None if states is None else _array(plain(states[0].T))
