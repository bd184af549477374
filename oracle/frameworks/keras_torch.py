"""Keras 3 with the backend torch: `oracle.frameworks.keras_layers`."""

import os

os.environ["KERAS_BACKEND"] = "torch"


from oracle.frameworks.keras_layers import (
    SUPPORTS,
    lstm_cell_forward,
    lstm_forward,
    lstm_layer,
    lstm_layer_backward,
    rnn_cell_forward,
    rnn_forward,
    rnn_layer,
    rnn_layer_backward,
)

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
