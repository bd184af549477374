"""Paddle: `paddle.nn.SimpleRNN` and `paddle.nn.LSTM`, on the CPU, in float32 and float64.

A class takes any number of layers, `direction` "forward" or "bidirect", `sequence_length`, and initial
states, which are optional. It has two biases. An LSTM also takes `proj_size`, and an RNN `activation`. One
kernel runs all layers. With a projection, Python code calls an `LSTMCell` for each step. Paddle refuses a
projection to n_a units. It does not document its outputs after the end of a sample, so this adapter sets
them to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import paddle

from oracle.frameworks.functions import Call, functions_of
from oracle.weights.layout import LAYOUTS
from oracle.weights.naming import TORCH
from reference.contract import Array

SUPPORTS: Mapping[str, Any] = {
    "dtypes": ["float32", "float64"],
    "caches": False,
    "head": False,
    "projection": "fewer",
}

PARAMETER_NAMES = {**TORCH, "projection": "weight_ho"}
"""Paddle's name of each parameter of a cell, by the roles of `Layout.stack`."""


def _bind(call: Call) -> tuple[Callable[..., Any], list[Any]]:
    kind, stacked = call.kind, call.weights
    paddle.set_default_dtype(call.sequence.dtype.name)
    module = (paddle.nn.LSTM if kind == "lstm" else paddle.nn.SimpleRNN)(
        call.sequence.shape[2],
        call.units,
        num_layers=len(stacked) // call.directions,
        direction="bidirect" if call.directions == 2 else "forward",
        **({"activation": call.activation} if kind == "rnn" else {}),
        **({"proj_size": stacked[0]["projection"].shape[1]} if "projection" in stacked[0] else {}),
    )
    lengths = None if call.lengths is None else paddle.to_tensor(call.lengths)

    def function(sequence: Any, *leaves: Any) -> list[Any]:
        states = leaves[: len(call.states)]
        initial = None if states[0] is None else states if kind == "lstm" else states[0]
        (module.eval if sequence.stop_gradient else module.train)()  # only training mode has gradients
        a, last = module(sequence, initial, lengths)
        if lengths is not None:
            within = np.arange(sequence.shape[1]) < lengths.numpy()[:, None]
            a = paddle.where(paddle.to_tensor(within[:, :, None]), a, paddle.zeros_like(a))
        return [a, *(last if kind == "lstm" else [last])]

    tensors = [None if array is None else paddle.to_tensor(array) for array in (call.sequence, *call.states)]
    return function, [*tensors, *set_weights(module, stacked)]


def _gradients(function: Callable[..., Any], leaves: Sequence[Any], incoming: Sequence[Array]) -> list[Any]:
    for leaf in leaves:
        leaf.stop_gradient = False
    gradients = paddle.grad(function(*leaves), leaves, [*map(paddle.to_tensor, incoming)], allow_unused=True)
    return [paddle.zeros_like(leaf) if d is None else d for leaf, d in zip(leaves, gradients)]


globals().update(functions_of(LAYOUTS["paddle"], _bind, _gradients, array=paddle.Tensor.numpy))


def set_weights(module: Any, stacked: Sequence[Mapping[str, Array]]) -> list[Any]:
    """Set the weights of all cells of a module, and return its parameters in the same order."""
    names = ("cell", "cell_fw", "cell_bw")
    cells = [getattr(layer, name) for layer in module for name in names if hasattr(layer, name)]
    parameters = []
    for cell, weights in zip(cells, stacked):
        for role, array in weights.items():
            parameters.append(getattr(cell, PARAMETER_NAMES[role]))
            parameters[-1].set_value(array)
    return parameters
