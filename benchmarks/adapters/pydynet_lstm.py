"""PyDyNet: `pydynet.nn.LSTM` with the batch first, one layer in one direction.

The states are passed as the layer requires them, and returned as the layer returns them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pydynet
from pydynet import nn

from oracle.frameworks.functions import COMMON_LIMITS, Call
from oracle.weights.layout import Layout
from reference.contract import Array

LAYOUT = Layout("fioc", transposed=True)
SUPPORTS = {
    **COMMON_LIMITS,
    "layers": 1,
    "directions": 1,
    "lengths": False,
    "projection": False,
    "gradients": False,
    "empty": [],
}


def lstm_layer(*arguments: Any) -> tuple[Array, ...]:
    """Return the hidden states and the last states."""
    call = Call.of(LAYOUT, "lstm", *arguments)
    (weights,) = call.weights
    dtype = np.dtype(call.sequence.dtype)
    made = nn.LSTM(call.sequence.shape[2], call.units, batch_first=True, dtype=dtype)
    for name, role in (("Wx", "weight"), ("Wh", "recurrent_weight"), ("bias", "bias")):
        getattr(made.LSTMCells[0], name).data[...] = weights[role]
    filled = call.with_all_states().states
    given = None if filled[0] is None else tuple(pydynet.Tensor(state, dtype=dtype) for state in filled)
    a, last = made(pydynet.Tensor(call.sequence, dtype=dtype), given)
    return LAYOUT.from_sequence(a.numpy()), *(each.numpy().transpose(0, 2, 1) for each in last)
