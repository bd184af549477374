"""The functions of layers as the four, without head, caches and earlier memory states, and backward."""

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


def backward_of(differentiated: Callable[..., tuple[Any, ...]]) -> Functions:
    """`rnn_layer_backward` and `lstm_layer_backward`, by a framework's own differentiation.

    That is called with the kind, the gradients by all that a layer returns, the input, a list of the initial
    states, the parameters and the options. It returns the gradients by the input and by each initial state,
    and a list of dicts of those by the parameters, in the form of the contract.
    """

    def rnn_layer_backward(
        da: Array, da_last: Array, x: Array, a0: Array, parameters: Any, options: Any
    ) -> tuple[Any, ...]:
        return differentiated("rnn", [da, da_last], x, [a0], parameters, options)

    def lstm_layer_backward(
        da: Array,
        da_last: Array,
        dc_last: Array,
        x: Array,
        a0: Array,
        c0: Array,
        parameters: Any,
        options: Any,
    ) -> tuple[Any, ...]:
        return differentiated("lstm", [da, da_last, dc_last], x, [a0, c0], parameters, options)

    return rnn_layer_backward, lstm_layer_backward


def _recurrent(parameters: Mapping[str, Array]) -> dict[str, Array]:
    return {name: array for name, array in parameters.items() if name not in _HEAD}
