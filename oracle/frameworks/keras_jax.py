"""Keras 3 with the backend JAX: `oracle.frameworks.keras_layers`."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"  # without it JAX has no float64

from oracle.frameworks.keras_layers import SUPPORTS as OF_KERAS
from oracle.frameworks.keras_layers import (
    lstm_cell_forward,
    lstm_forward,
    lstm_layer,
    lstm_layer_backward,
    rnn_cell_forward,
    rnn_forward,
    rnn_layer,
    rnn_layer_backward,
)

SUPPORTS = {**OF_KERAS, "subnormals": False}  # flushed to zero

__all__ = [
    "SUPPORTS",
    "lstm_cell_forward",
    "lstm_forward",
    "lstm_layer",
    "lstm_layer_backward",
    "rnn_cell_forward",
    "rnn_forward",
    "rnn_layer",
    "rnn_layer_backward",
]
