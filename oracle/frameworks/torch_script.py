"""Torch's modules as TorchScript, by `torch.jit.script`: deprecated, still what libtorch and mobiles run."""

from __future__ import annotations

import torch

from oracle.frameworks import torch_modules
from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer

SUPPORTS = torch_modules.SUPPORTS

rnn_layer, lstm_layer, rnn_layer_backward, lstm_layer_backward = torch_modules.layers(torch.jit.script)
rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)
