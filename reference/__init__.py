"""The forward and backward passes and whole layers in NumPy: the specification, verified by default."""

from reference.arrays import sigmoid, softmax
from reference.layers import lstm_layer, lstm_layer_backward, rnn_layer, rnn_layer_backward
from reference.lstm import lstm_backward, lstm_cached, lstm_cell_backward, lstm_cell_forward, lstm_forward
from reference.rnn import rnn_backward, rnn_cached, rnn_cell_backward, rnn_cell_forward, rnn_forward

__all__ = [
    "lstm_backward",
    "lstm_cached",
    "lstm_cell_backward",
    "lstm_cell_forward",
    "lstm_forward",
    "lstm_layer",
    "lstm_layer_backward",
    "rnn_backward",
    "rnn_cached",
    "rnn_cell_backward",
    "rnn_cell_forward",
    "rnn_forward",
    "rnn_layer",
    "rnn_layer_backward",
    "sigmoid",
    "softmax",
]
