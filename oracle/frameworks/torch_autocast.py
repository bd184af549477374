"""Torch's modules under autocast on the CPU, which runs what is float32 in bfloat16.

That is its purpose, and the harness is expected to say so: the answer is right to three digits and comes
in bfloat16, which NumPy has not, and is handed on as the float32 of the same values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from oracle.frameworks import torch_modules
from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer

SUPPORTS = torch_modules.SUPPORTS


def _autocast(module: torch.nn.Module) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return module(*given)

    return call


rnn_layer, lstm_layer, rnn_layer_backward, lstm_layer_backward = torch_modules.layers(_autocast)
rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)
