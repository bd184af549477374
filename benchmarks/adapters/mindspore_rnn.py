"""MindSpore: `mindspore.nn.RNN` and `LSTM` on the CPU, in PyNative mode."""

from __future__ import annotations

from typing import Any

import mindspore
import numpy as np
from mindspore import Tensor, nn

from oracle.frameworks.functions import COMMON_LIMITS, Call, functions_of
from oracle.weights.layout import LAYOUTS
from reference.contract import Array

SUPPORTS = {**COMMON_LIMITS, "dtypes": ["float32"], "projection": False, "gradients": False, "empty": []}
NAMES = {
    "weight": "weight_ih",
    "recurrent_weight": "weight_hh",
    "bias": "bias_ih",
    "recurrent_bias": "bias_hh",
}

mindspore.set_context(mode=mindspore.PYNATIVE_MODE, device_target="CPU")


def _bind(call: Call) -> tuple[Any, list[Any]]:
    return lambda: _run(call), []


def _run(call: Call) -> list[Array]:
    D, L = call.directions, len(call.weights) // call.directions
    options = {"nonlinearity": call.activation} if call.kind == "rnn" else {}
    kind = {"rnn": nn.RNN, "lstm": nn.LSTM}[call.kind]
    made = kind(call.sequence.shape[2], call.units, L, bidirectional=D == 2, **options)
    made.set_train(False)
    parameters = {each.name: each for each in made.get_parameters()}
    for k, weights in enumerate(call.weights):
        suffix = f"_l{k // D}" + "_reverse" * (k % D)
        for role, array in weights.items():
            (name,) = (each for each in parameters if each.endswith(NAMES[role] + suffix))
            parameters[name].set_data(Tensor(array))
    states = [None if state is None else Tensor(state) for state in call.states]
    given = None if states[0] is None else states[0] if call.kind == "rnn" else tuple(states)
    lengths = None if call.lengths is None else Tensor(call.lengths.astype(np.int32))
    a, last = made(Tensor(call.sequence), given, lengths)
    return [each.asnumpy() for each in (a, *(last if call.kind == "lstm" else [last]))]


globals().update(functions_of(LAYOUTS["tinygrad"], _bind))
