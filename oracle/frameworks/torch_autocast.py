"""Torch's modules under autocast on the CPU, which computes in bfloat16 instead of float32.

The harness is expected to report that the answers are right to three digits. The answers are bfloat16, which
NumPy does not have, so this adapter returns the same values in float32.
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
