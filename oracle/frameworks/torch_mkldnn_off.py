"""Torch's modules without oneDNN (`torch.backends.mkldnn`): with the kernels of a torch without oneDNN."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch

from oracle.frameworks import torch_modules
from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer

SUPPORTS = torch_modules.SUPPORTS


# Without this argument, a torch that supports TF32 warns that there is no GPU.
_TF32 = {"allow_tf32": False}
_QUIETLY = _TF32 if "allow_tf32" in signature(torch.backends.mkldnn.flags).parameters else {}


def _without(module: torch.nn.Module) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        with torch.backends.mkldnn.flags(enabled=False, **_QUIETLY):
            return module(*given)

    return call


rnn_layer, lstm_layer, rnn_layer_backward, lstm_layer_backward = torch_modules.layers(_without)
rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)
