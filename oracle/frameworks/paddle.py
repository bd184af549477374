"""Paddle: `paddle.nn.SimpleRNN` and `paddle.nn.LSTM`, on the CPU, in float32 and float64.

The layers have any number of layers, `direction` "forward" or "bidirect", `sequence_length`, `proj_size` for
an LSTM, `activation` for an RNN, optional initial states, and two biases. One kernel runs all layers; with a
projection, Python code calls an `LSTMCell` for each step. A projection to n_a units is refused. Paddle does
not document its outputs after the end of a sample, so this adapter sets them to 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import paddle

from oracle.frameworks.functions import Call, functions_of
from oracle.layout import LAYOUTS
from reference.contract import Array

SUPPORTS: Mapping[str, Any] = {
    "dtypes": ["float32", "float64"],
    "caches": False,
    "head": False,
    "projection": "fewer",
}

PARAMETER_NAMES = {
    "weight": "weight_ih",
    "recurrent_weight": "weight_hh",
    "bias": "bias_ih",
    "recurrent_bias": "bias_hh",
    "projection": "weight_ho",
}


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

    def function(sequence: Any, *given: Any) -> list[Any]:
        initial = given[: len(call.states)]
        absent = initial[0] is None
        (module.eval if sequence.stop_gradient else module.train)()  # eval has no gradients
        a, last = module(sequence, None if absent else initial if kind == "lstm" else initial[0], lengths)
        if lengths is not None:
            within = np.arange(sequence.shape[1]) < lengths.numpy()[:, None]
            a = paddle.where(paddle.to_tensor(within[:, :, None]), a, paddle.zeros_like(a))
        return [a, *(last if kind == "lstm" else [last])]

    tensors = [None if array is None else paddle.to_tensor(array) for array in (call.sequence, *call.states)]
    return function, [*tensors, *load(module, stacked)]


def _gradients(function: Callable[..., Any], leaves: Sequence[Any], incoming: Sequence[Array]) -> list[Any]:
    for leaf in leaves:
        leaf.stop_gradient = False
    found = paddle.grad(function(*leaves), leaves, [*map(paddle.to_tensor, incoming)], allow_unused=True)
    return [paddle.zeros_like(leaf) if d is None else d for leaf, d in zip(leaves, found)]


globals().update(functions_of(LAYOUTS["paddle"], _bind, _gradients, array=paddle.Tensor.numpy))


def load(module: Any, stacked: Sequence[Mapping[str, Array]]) -> list[Any]:
    """Set the weights of all cells of a module, and return its parameters in the same order."""
    parameters = []
    for cell, weights in zip(cells(module), stacked):
        for role, array in weights.items():
            parameters.append(getattr(cell, PARAMETER_NAMES[role]))
            parameters[-1].set_value(array)
    return parameters


def cells(module: Any) -> list[Any]:
    """The cells of a module, in the order of the contract's list of parameters."""
    return [
        getattr(each, name)
        for each in module
        for name in ("cell", "cell_fw", "cell_bw")
        if hasattr(each, name)
    ]
