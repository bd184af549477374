"""tinygrad: `tinygrad.nn.LSTMCell`, step by step on the CPU. It has no layer over time, and no RNN.

`cell(x, (h, c))` takes and returns what has shape `(batch, features)`; without the pair states are zeros.
There is one direction, and no stack, lengths or projection.

tinygrad compiles every kernel: on its CPU device with `clang`, which must be on the path, or be what CC says.
The environment variable DEV chooses another device; `PYTHON` needs no compiler.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

os.environ.setdefault("DEV", "CPU")

import numpy as np
from tinygrad import Tensor
from tinygrad.nn import LSTMCell

from oracle.frameworks.functions import of_lstm_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array

TINYGRAD = LAYOUTS["tinygrad"]
SUPPORTS = {
    "caches": False,
    "head": False,
    "layers": 1,
    "directions": 1,
    "lengths": False,
    "projection": False,
    "empty": ["m", "n_x"],  # steps are taken here: without one the framework is not asked
    "bad_shapes": False,
}


def lstm_layer(
    x: Array,
    a0: Array | None,
    c0: Array | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, Array, Array]:
    """`LSTMCell`, one call a step."""
    stacked = TINYGRAD.stack("lstm", parameters[0])
    cell = LSTMCell(len(x), len(parameters[0]["bf"]))
    cell.weight_ih, cell.weight_hh = Tensor(stacked["weight"]), Tensor(stacked["recurrent_weight"])
    cell.bias_ih, cell.bias_hh = Tensor(stacked["bias"]), Tensor(stacked["recurrent_bias"])
    states: Any = None
    if a0 is not None or c0 is not None:
        none = np.zeros((x.shape[1], len(parameters[0]["bf"])), x.dtype)
        states = tuple(Tensor(none if s is None else plain(s[0].T)) for s in (a0, c0))
    hidden = []
    for step in TINYGRAD.sequence(x):
        states = tuple(each.realize() for each in cell(Tensor(step), states))
        hidden.append(states[0].numpy())
    a_last, c_last = (each.numpy().T[None] for each in states)
    return TINYGRAD.from_sequence(np.stack(hidden)), a_last, c_last


lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)
