"""Torch's modules by `torch.compile`, with the experimental option `torch._dynamo.config.allow_rnn`.

Without this option, Dynamo runs RNNs without compilation. Compilation needs a C++ compiler, and takes many
seconds for each shape. A packed sequence breaks the graph, so that the module would run without compilation;
so this adapter supports no lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from oracle.frameworks import torch_modules
from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer

SUPPORTS = {**torch_modules.SUPPORTS, "lengths": False}

_CONFIG = {"allow_rnn": True, "recompile_limit": 10**6, "accumulated_recompile_limit": 10**6}


def _compiled(module: torch.nn.Module) -> Callable[..., Any]:
    compiled = torch.compile(module, fullgraph=True, dynamic=False)

    def call(*given: Any) -> Any:
        with torch._dynamo.config.patch(_CONFIG):
            return compiled(*given)

    return call


rnn_layer, lstm_layer, rnn_layer_backward, lstm_layer_backward = torch_modules.layers(_compiled)
rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)
