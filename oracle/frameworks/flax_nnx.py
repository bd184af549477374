"""Flax: `flax.nnx.RNN` of an `OptimizedLSTMCell` or `SimpleCell`, in `nnx.Bidirectional` for two directions.

A sequence is `(batch, time, features)`, and stacked layers are modules called in a row. Lengths are
`seq_lengths`; initial states are `initial_carry`, of an LSTM the tuple `(c, h)`, of `Bidirectional` a pair of
these, and absent they are what `initialize_carry` draws: zeros. What outputs are beyond a sample's own last
step is not documented, and they are what the cell makes of the padding: the mask that the contract asks for,
and the layers above need none of it, is put on here. There is no projection.

JAX has float64 only where `jax_enable_x64` is set, as here; XLA flushes subnormal numbers to zero. A cell
has its precision as `dtype` and `param_dtype`. Its weights are drawn as zeros, for all are set at every call:
orthogonal ones, the default, cannot be in float16, and others are scaled by one over the number of features.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

os.environ["JAX_ENABLE_X64"] = "1"

import jax
import numpy as np
from flax import nnx

from oracle.frameworks.functions import of_lstm_layer, of_rnn_layer
from oracle.layout import LAYOUTS, plain
from reference.contract import Array, Kind

FLAX = LAYOUTS["flax"]
SUPPORTS = {"caches": False, "head": False, "projection": False, "bad_shapes": False, "subnormals": False}


def rnn_layer(
    x: Array, a0: Array | None, parameters: Sequence[Mapping[str, Array]], options: Mapping[str, Any]
) -> tuple[Array, Array]:
    """`SimpleCell`, one a direction and layer."""
    initial = None if a0 is None else [plain(states.T) for states in a0]
    a, last = _stacked("rnn", x, initial, parameters, options)
    return a, np.stack([np.asarray(states).T for states in last])


def lstm_layer(
    x: Array,
    a0: Array | None,
    c0: Array | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, Array, Array]:
    """`OptimizedLSTMCell`, one a direction and layer."""
    if (a0 is None) != (c0 is None):
        none = np.zeros((len(parameters), len(parameters[0]["bf"]), x.shape[1]), x.dtype)
        a0, c0 = (none if states is None else states for states in (a0, c0))
    initial = None if a0 is None or c0 is None else [(plain(c.T), plain(a.T)) for a, c in zip(a0, c0)]
    a, last = _stacked("lstm", x, initial, parameters, options)
    c_last, a_last = (np.stack([np.asarray(states).T for states in each]) for each in zip(*last))
    return a, a_last, c_last


rnn_cell_forward, rnn_forward = of_rnn_layer(rnn_layer)
lstm_cell_forward, lstm_forward = of_lstm_layer(lstm_layer)


def _stacked(
    kind: Kind,
    x: Array,
    initial: Sequence[Any] | None,
    parameters: Sequence[Mapping[str, Array]],
    options: Mapping[str, Any],
) -> tuple[Array, list[Any]]:
    """The hidden states of the top layer, and the last carries of all."""
    D, activation = options.get("directions", 1), options.get("activation", "tanh")
    units = len(parameters[0]["ba" if kind == "rnn" else "bf"])
    lengths = None
    if options.get("lengths") is not None:
        lengths = jax.numpy.asarray(plain(np.asarray(options["lengths"])))
    sequence: Any = jax.numpy.asarray(FLAX.sequence(x))
    last: list[Any] = []
    for k in range(0, len(parameters), D):
        layer, run = recurrent_layer(kind, sequence.shape[2], units, D, activation, x.dtype.name)
        for rnn, given in zip([layer] if D == 1 else [layer.forward_rnn, layer.backward_rnn], parameters[k:]):
            set_weights(kind, rnn.cell, given)
        carries = None if initial is None else initial[k] if D == 1 else tuple(initial[k : k + 2])
        carry, sequence = run(layer, sequence, carries, lengths)
        last += [carry] if D == 1 else list(carry)
    if lengths is not None:
        beyond = np.arange(x.shape[2]) >= np.asarray(lengths)[:, None]
        sequence = np.where(beyond[:, :, None], np.zeros((), x.dtype), np.asarray(sequence))
    return FLAX.from_sequence(np.asarray(sequence)), last


def set_weights(kind: Kind, cell: Any, parameters: Mapping[str, Array]) -> None:
    """Of the two `Linear` of a cell, that of the hidden state has the bias in an LSTM, else that of x."""
    stacked = FLAX.stack(kind, parameters)
    for linear, name in ((cell.dense_i, "weight"), (cell.dense_h, "recurrent_weight")):
        linear.kernel[...] = jax.numpy.asarray(stacked[name])
    (cell.dense_h if kind == "lstm" else cell.dense_i).bias[...] = jax.numpy.asarray(stacked["bias"])


@lru_cache(maxsize=64)
def recurrent_layer(kind: Kind, n_in: int, units: int, directions: int, activation: str, dtype: str) -> Any:
    """A layer with weights yet to be set, and what runs it, compiled once for a shape."""
    make: Any = {"rnn": nnx.SimpleCell, "lstm": nnx.OptimizedLSTMCell}[kind]
    how: dict[str, Any] = {
        "dtype": dtype,
        "param_dtype": dtype,
        "kernel_init": nnx.initializers.zeros_init(),
        "recurrent_kernel_init": nnx.initializers.zeros_init(),
    }
    if kind == "rnn":
        how["activation_fn"] = {"tanh": nnx.tanh, "relu": nnx.relu}[activation]
    one, *other = (
        nnx.RNN(make(n_in, units, rngs=nnx.Rngs(0), **how), return_carry=True) for _ in range(directions)
    )

    def run(layer: Any, sequence: Any, carries: Any, lengths: Any) -> Any:
        return layer(sequence, initial_carry=carries, seq_lengths=lengths)

    return (nnx.Bidirectional(one, *other, return_carry=True) if other else one), nnx.jit(run)
