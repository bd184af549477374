"""Keras 3: `keras.layers.LSTM` and `SimpleRNN`, in `Bidirectional` for two directions.

A sequence is `(batch, time, features)`. For stacked layers, this adapter calls one layer after the other.
Lengths are the argument `mask`. With `zero_output_for_mask`, masked outputs are 0. Without it, a masked
output repeats the previous output, except in `Bidirectional`, which sets the argument itself. The state of an
RNN is one tensor `(batch, units)`, the state of an LSTM the list `[h, c]`. `Bidirectional` takes and returns
the states of the forward direction first. The `recurrent_activation` of an LSTM is sigmoid by default. There
is no projection.

The initial recurrent weights are zeros, since every call sets all weights. Most backends cannot compute
Keras's default, orthogonal weights, in float16.

This module uses the backend that is set when Keras is imported. The adapters `keras_numpy`, `keras_torch`,
`keras_jax` and `keras_tensorflow` set it.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import lru_cache
from typing import Any

import keras
import numpy as np

from oracle.frameworks.functions import (
    COMMON_LIMITS,
    Call,
    LayerProperties,
    binding,
    functions_of,
    gradients_by_jax,
    gradients_by_tensorflow,
    gradients_by_torch,
)
from oracle.weights.layout import LAYOUTS

GRADIENTS = {"torch": gradients_by_torch, "jax": gradients_by_jax, "tensorflow": gradients_by_tensorflow}
"""The function that computes gradients, by backend. The backend NumPy cannot differentiate."""

SUPPORTS = {
    **COMMON_LIMITS,
    "projection": False,
    "gradients": keras.backend.backend() in GRADIENTS,
    "subnormals": keras.backend.backend() not in ("jax", "tensorflow"),  # these backends flush to zero
}


def _run(call: Call) -> list[Any]:
    """Return the outputs of a call. The tensors of the call become the values of the layers' variables."""
    sequence, D, lengths = call.sequence, call.directions, call.lengths
    mask = None if lengths is None else np.arange(sequence.shape[1]) < lengths[:, None]
    last: list[Any] = []
    for k in range(0, len(call.weights), D):
        layer = recurrent_layer(call.layer(sequence.shape[2], keras.ops.dtype(sequence)))
        values = [
            weights[name]
            for weights in call.weights[k : k + D]
            for name in ("weight", "recurrent_weight", "bias")
        ]
        initial = [state[k + d] for d in range(D) for state in call.states if state is not None]
        with keras.StatelessScope(state_mapping=[*zip(layer.weights, values)]):
            sequence, *states = layer(sequence, initial_state=initial or None, mask=mask)
        last += states
    n = len(call.states)
    return [sequence, *(keras.ops.stack(last[i::n]) for i in range(n))]


if keras.backend.backend() == "jax":
    import jax

    # Compiled for each shape, as `fit` and `predict` do. Otherwise, JAX compiles the loop in each call.
    jax.tree_util.register_dataclass(
        Call, ["sequence", "states", "weights", "lengths"], ["kind", "directions", "activation"]
    )
    _RUN, _AT_ONCE = jax.jit(_run), jax.ensure_compile_time_eval
else:
    _RUN, _AT_ONCE = _run, nullcontext

globals().update(
    functions_of(
        LAYOUTS["keras"],
        binding(_RUN, keras.ops.convert_to_tensor),
        GRADIENTS.get(keras.backend.backend()),
        array=keras.ops.convert_to_numpy,
    )
)


@lru_cache(maxsize=64)
def recurrent_layer(properties: LayerProperties) -> Any:
    """Return a layer whose variables exist: kernel, recurrent kernel and bias of each direction."""
    layer = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM}[properties.kind](
        properties.units,
        activation=properties.activation,
        return_sequences=True,
        return_state=True,
        zero_output_for_mask=True,
        recurrent_initializer="zeros",
        dtype=properties.dtype,
    )
    if properties.directions == 2:
        layer = keras.layers.Bidirectional(layer, merge_mode="concat", dtype=properties.dtype)
    with _AT_ONCE():
        layer.build((None, None, properties.n_in))
    return layer
