"""Keras 3: `keras.layers.LSTM` and `SimpleRNN`, in `Bidirectional` for two directions.

A sequence is `(batch, time, features)`. Stacked layers are layers that are called in a row. Lengths are the
argument `mask`. With `zero_output_for_mask`, masked outputs are 0; without it, a masked output repeats the
output before, except in `Bidirectional`, which sets the argument. A state is one tensor `(batch, units)`, for
an LSTM the list `[h, c]`. `Bidirectional` takes and returns the states of the forward direction first. The
`recurrent_activation` of an LSTM is sigmoid by default. There is no projection.

The initial recurrent weights are zeros, since every call sets all weights, and most backends cannot draw the
default, orthogonal weights, in float16.

The module uses the backend that Keras has. The targets `keras_numpy`, `keras_torch`, `keras_jax` and
`keras_tensorflow` choose a backend.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
import numpy as np

from oracle.frameworks.functions import (
    Call,
    LayerProperties,
    bind_tensors,
    functions_of,
    gradients_by_jax,
    gradients_by_tensorflow,
    gradients_by_torch,
)
from oracle.layout import LAYOUTS

KERAS = LAYOUTS["keras"]
GRADIENTS = {"torch": gradients_by_torch, "jax": gradients_by_jax, "tensorflow": gradients_by_tensorflow}
"""The function that computes gradients, by backend; NumPy has no automatic differentiation."""

SUPPORTS = {
    "caches": False,
    "head": False,
    "projection": False,
    "bad_shapes": False,
    "gradients": keras.backend.backend() in GRADIENTS,
    "subnormals": keras.backend.backend() not in ("jax", "tensorflow"),  # these backends flush to zero
}


def _run(call: Call) -> list[Any]:
    """Call the layers with the given weights as the values of their variables."""
    sequence, D, lengths = call.sequence, call.directions, call.lengths
    mask = None if lengths is None else np.arange(sequence.shape[1]) < lengths[:, None]
    last: list[Any] = []
    for k in range(0, len(call.weights), D):
        layer = recurrent_layer(call.layer(sequence.shape[2], keras.ops.dtype(sequence)))
        own = [call.weights[k + d][name] for d in range(D) for name in ("weight", "recurrent_weight", "bias")]
        given = [state[k + d] for d in range(D) for state in call.states if state is not None]
        with keras.StatelessScope(state_mapping=[*zip(layer.weights, own)]):
            sequence, *ended = layer(sequence, initial_state=given or None, mask=mask)
        last += ended
    n = len(call.states)
    return [sequence, *(keras.ops.stack(last[i::n]) for i in range(n))]


globals().update(
    functions_of(
        KERAS,
        bind_tensors(_run, keras.ops.convert_to_tensor),
        GRADIENTS.get(keras.backend.backend()),
        array=keras.ops.convert_to_numpy,
    )
)


@lru_cache(maxsize=64)
def recurrent_layer(sizes: LayerProperties) -> Any:
    """A built layer; its weights are the kernel, the recurrent kernel and the bias of each direction."""
    how = {
        "activation": sizes.activation,
        "return_sequences": True,
        "return_state": True,
        "zero_output_for_mask": True,
        "recurrent_initializer": "zeros",
        "dtype": sizes.dtype,
    }
    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[sizes.kind](sizes.units, **how)
    if sizes.directions == 2:
        layer = keras.layers.Bidirectional(layer, merge_mode="concat", dtype=sizes.dtype)
    layer.build((None, None, sizes.n_in))
    return layer
