"""Keras 3: `keras.layers.LSTM` and `SimpleRNN`, in `Bidirectional` where there are two directions.

A sequence is `(batch, time, features)`, and stacked layers are layers called in a row. Lengths are a `mask`,
with `zero_output_for_mask`; without that argument an output that is masked repeats the one before, except in
`Bidirectional`, which documents that it sets it. A state is one tensor `(batch, units)`, for an LSTM the
list `[h, c]`; `Bidirectional` takes those of the forward direction first, and returns them so. Of an LSTM
`recurrent_activation` is sigmoid by default. There is no projection.

The recurrent weights are built of zeros: the default, orthogonal ones, cannot be drawn in float16 but with
TensorFlow, and all weights are set at every call anyway.

The module takes the backend that Keras has. A target is `keras_numpy`, `keras_torch`, `keras_jax` or
`keras_tensorflow`, which choose one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

KERAS = LAYOUTS["keras"]
SUPPORTS = {"caches": False, "head": False, "projection": False, "bad_shapes": False}


def rnn_layer(
    x: Array, a0: Array | None, parameters: Sequence[Mapping[str, Array]], options: Mapping[str, Any]
) -> tuple[Array, Array]:
    """`SimpleRNN`, one a layer."""
    a, (a_last,) = _stacked("rnn", x, [a0], parameters, options)
    return a, a_last


def lstm_layer(
    x: Array,
    a0: Array | None,
    c0: Array | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, Array, Array]:
    """`LSTM`, one a layer."""
    a, (a_last, c_last) = _stacked("lstm", x, [a0, c0], parameters, options)
    return a, a_last, c_last


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _stacked(
    kind: Kind,
    x: Array,
    initial: Sequence[Array | None],
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, list[Array]]:
    """The hidden states of the top layer, and the last states of all, each as its initial ones."""
    D, lengths = options.get("directions", 1), options.get("lengths")
    units = len(parameters[0]["ba" if kind == "rnn" else "bf"])
    mask = None if lengths is None else np.arange(x.shape[2]) < np.asarray(lengths)[:, None]
    if any(states is None for states in initial) and any(states is not None for states in initial):
        none = np.zeros((len(parameters), units, x.shape[1]), x.dtype)
        initial = [none if states is None else states for states in initial]
    sequence: Any = KERAS.sequence(x)
    last: list[Array] = []
    for k in range(0, len(parameters), D):
        n_in = sequence.shape[2]
        layer = recurrent_layer(kind, n_in, units, D, options.get("activation", "tanh"), x.dtype.name)
        stacked = [KERAS.stack(kind, parameters[k + d]) for d in range(D)]
        layer.set_weights([p[name] for p in stacked for name in ("weight", "recurrent_weight", "bias")])
        given = [plain(states[k + d].T) for d in range(D) for states in initial if states is not None]
        sequence, *states = layer(sequence, initial_state=given or None, mask=mask)
        last += [keras.ops.convert_to_numpy(each).T for each in states]
    n = len(initial)
    return KERAS.from_sequence(keras.ops.convert_to_numpy(sequence)), [np.stack(last[i::n]) for i in range(n)]


@lru_cache(maxsize=64)
def recurrent_layer(kind: Kind, n_in: int, units: int, directions: int, activation: str, dtype: str) -> Any:
    """A layer that is built, with weights yet to be set: kernel, recurrent kernel, bias of each direction."""
    how = {
        "activation": activation,
        "return_sequences": True,
        "return_state": True,
        "zero_output_for_mask": True,
        "recurrent_initializer": "zeros",
        "dtype": dtype,
    }
    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[kind](units, **how)
    if directions == 2:
        layer = keras.layers.Bidirectional(layer, merge_mode="concat", dtype=dtype)
    layer.build((None, None, n_in))
    return layer
