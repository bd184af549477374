"""Keras 3 with the backend JAX: `oracle.frameworks.keras_layers`."""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_ENABLE_X64"] = "1"  # without it JAX has no float64

from oracle.frameworks.keras_layers import (
    SUPPORTS,
    lstm_cell_forward,
    lstm_forward,
    lstm_layer,
    rnn_cell_forward,
    rnn_forward,
    rnn_layer,
)

__all__ = [
    "SUPPORTS",
    "lstm_cell_forward",
    "lstm_forward",
    "lstm_layer",
    "rnn_cell_forward",
    "rnn_forward",
    "rnn_layer",
]
