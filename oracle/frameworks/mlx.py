"""MLX: `mlx.nn.LSTM` and `mlx.nn.RNN`, on the CPU.

A sequence is `(batch, time, features)`, which the documentation calls NLD. The initial states are the
arguments `hidden (batch, units)` and, of an LSTM, `cell`. If a state is absent, the first step leaves out its
terms. A layer returns the hidden states of all steps, and an LSTM also the memory states. There is one
direction, and there are no stacked layers, lengths or projection. According to the documentation, float64
runs only on the CPU. MLX's initial weights are float32; every call sets weights of the dtype of the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from oracle.frameworks.functions import COMMON_LIMITS, Call, binding, functions_of
from oracle.weights.layout import LAYOUTS
from reference.contract import Array

SUPPORTS = {**COMMON_LIMITS, "layers": 1, "directions": 1, "lengths": False, "projection": False}

mx.set_default_device(mx.cpu)


def _run(call: Call) -> list[Any]:
    (w,), sequence = call.weights, call.sequence
    n_in, n_a = sequence.shape[2], call.units
    initial = [None if each is None else mx.squeeze(each, 0) for each in call.states]
    if call.kind == "rnn":
        rnn: Any = nn.RNN(n_in, n_a, nonlinearity=nn.relu if call.activation == "relu" else None)
        rnn.Wxh, rnn.Whh, rnn.bias = w["weight"], w["recurrent_weight"], w["bias"]
        hidden = rnn(sequence, *initial)
        return [hidden, hidden[None, :, -1]]
    lstm: Any = nn.LSTM(n_in, n_a)
    lstm.Wx, lstm.Wh, lstm.bias = w["weight"], w["recurrent_weight"], w["bias"]
    hidden, cell = lstm(sequence, *initial)
    return [hidden, hidden[None, :, -1], cell[None, :, -1]]


def _gradients(function: Callable[..., Any], leaves: Sequence[Any], incoming: Sequence[Array]) -> list[Any]:
    _, gradients = mx.vjp(function, list(leaves), [*map(_tensor, incoming)])
    return list(gradients)


def _tensor(array: Array) -> Any:
    """Return an array of MLX with the same dtype. Without a dtype, MLX converts float64 to float32."""
    return mx.array(array, getattr(mx, array.dtype.name))


_BIND = binding(_run, _tensor)
globals().update(functions_of(LAYOUTS["mlx"], _BIND, _gradients, array=np.array, fill_states=False))
