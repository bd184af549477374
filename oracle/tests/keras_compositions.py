"""Right compositions of layers of Keras, which this program has judged: it prints each that is accused.

It runs in a process of its own, in which Keras is imported with the backend torch.
"""

import os
from collections.abc import Mapping
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

from keras import Sequential, layers

from oracle.tests.test_modules import understood
from oracle.tests.test_modules_right_and_wrong import disagreements

WHOLE = {"return_sequences": True, "return_state": True}


def cell(units: int) -> Any:
    return layers.RNN(layers.LSTMCell(units), **WHOLE)


def simple_cell(units: int, activation: str = "tanh") -> Any:
    return layers.RNN(layers.SimpleRNNCell(units, activation=activation), **WHOLE)


def both(units: int) -> Any:
    return layers.Bidirectional(layers.LSTM(units, **WHOLE))


def both_of_cells(units: int) -> Any:
    return layers.Bidirectional(layers.RNN(layers.SimpleRNNCell(units), **WHOLE))


def stacked_cells(units: int) -> Any:
    return layers.RNN(layers.StackedRNNCells([layers.LSTMCell(units)]), **WHOLE)


def model(units: int) -> Any:
    return Sequential([layers.LSTM(units, return_sequences=True)])


class Wrapped(layers.Layer):  # type: ignore[misc]
    """Hands other arguments than its own on to a layer that does not know them."""

    def __init__(self, units: int, **others: Any) -> None:
        super().__init__(**others)
        self.rnn = layers.SimpleRNN(units, **WHOLE)

    def build(self, shape: Any) -> None:
        self.rnn.build(shape)
        super().build(shape)

    def call(self, x: Any, initial_state: Any = None, mask: Any = None) -> Any:
        return self.rnn(x, initial_state=initial_state, mask=mask)


LSTM, RNN = "keras.layers.LSTM", "keras.layers.SimpleRNN"
COMPOSITIONS: Mapping[Any, str] = {
    cell: LSTM,
    simple_cell: RNN,
    both: LSTM,
    both_of_cells: RNN,
    stacked_cells: LSTM,
    model: LSTM,
    Wrapped: RNN,
}

if __name__ == "__main__":
    for make, interface in COMPOSITIONS.items():
        if accused := disagreements(understood(make, like=interface), "float32"):
            print(make.__name__, accused)
    print(f"{len(COMPOSITIONS)} judged")
