"""The four functions, as far as a layer goes: without head, caches and earlier memory states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from reference.contract import Array

Functions = tuple[Callable[..., Any], Callable[..., Any]]

_HEAD = ("Wya", "Wy", "by")


def of_rnn_layer(rnn_layer: Callable[..., Any]) -> Functions:
    """`rnn_cell_forward` and `rnn_forward`, made of one layer in one direction."""

    def rnn_forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array, None]:
        a, _ = rnn_layer(x, a0[None], [_recurrent(parameters)], {"directions": 1})
        return a, None

    def rnn_cell_forward(xt: Array, a_prev: Array, parameters: Mapping[str, Array]) -> tuple[Array, None]:
        a, _ = rnn_forward(xt[:, :, None], a_prev, parameters)
        return a[:, :, 0], None

    return rnn_cell_forward, rnn_forward


def of_lstm_layer(lstm_layer: Callable[..., Any]) -> Functions:
    """`lstm_cell_forward` and `lstm_forward`, made of one layer in one direction."""

    def lstm_forward(x: Array, a0: Array, parameters: Mapping[str, Array]) -> tuple[Array, None, Array]:
        a, _, c_last = lstm_layer(
            x, a0[None], np.zeros_like(a0)[None], [_recurrent(parameters)], {"directions": 1}
        )
        return a, None, c_last[0][:, :, None]

    def lstm_cell_forward(
        xt: Array, a_prev: Array, c_prev: Array, parameters: Mapping[str, Array]
    ) -> tuple[Array, Array, None]:
        parameters = _recurrent(parameters)
        a, _, c_last = lstm_layer(xt[:, :, None], a_prev[None], c_prev[None], [parameters], {"directions": 1})
        return a[:, :, 0], c_last[0], None

    return lstm_cell_forward, lstm_forward


def _recurrent(parameters: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array for name, array in parameters.items() if name not in _HEAD}
