"""Keras 3 with the backend TensorFlow: `oracle.frameworks.keras_layers`."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"


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
