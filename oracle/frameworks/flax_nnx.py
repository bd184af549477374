"""Flax: `flax.nnx.RNN` of an `OptimizedLSTMCell` or `SimpleCell`, in `nnx.Bidirectional` for two directions.

A sequence is `(batch, time, features)`. For stacked layers, this adapter calls one layer after the other.
Lengths are the argument `seq_lengths`. Initial states are the argument `initial_carry`: for an LSTM the tuple
`(c, h)`, for `Bidirectional` a pair of carries. Without this argument, `initialize_carry` returns zeros.
There is no projection. After the end of a sample, Flax returns the outputs of the cell for the padding. Its
documentation says nothing of these outputs, so this adapter sets them to 0.

JAX has float64 only with `jax_enable_x64`, which this adapter sets. XLA flushes subnormal numbers to zero. A
cell takes its precision as `dtype` and `param_dtype`. Its initial weights are zeros, since every call sets
all weights. Flax's default initializers cannot be used: they do not support float16, or divide by the number
of features, which may be 0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

os.environ["JAX_ENABLE_X64"] = "1"

import jax
from flax import nnx

from oracle.frameworks.functions import (
    COMMON_LIMITS,
    Call,
    LayerProperties,
    binding,
    functions_of,
    gradients_by_jax,
)
from oracle.weights.layout import LAYOUTS
from reference.contract import Kind

SUPPORTS = {**COMMON_LIMITS, "projection": False, "subnormals": False}


def _run(call: Call) -> list[Any]:
    sequence, D = call.sequence, call.directions
    lengths = None if call.lengths is None else jax.numpy.asarray(call.lengths)
    carries = None
    if call.states[0] is not None:
        carries = [*call.states[0]] if call.kind == "rnn" else [(c, a) for a, c in zip(*call.states)]
    last: list[Any] = []
    for k in range(0, len(call.weights), D):
        layer = compile_layer(call.layer(sequence.shape[2], sequence.dtype.name))
        initial = None if carries is None else carries[k] if D == 1 else tuple(carries[k : k + 2])
        carry, sequence = layer(call.weights[k : k + D], sequence, initial, lengths)
        last += [carry] if D == 1 else list(carry)
    if lengths is not None:
        within = jax.numpy.arange(sequence.shape[1]) < lengths[:, None]
        sequence = jax.numpy.where(within[:, :, None], sequence, 0)
    if call.kind == "rnn":
        return [sequence, jax.numpy.stack(last)]
    c_last, a_last = map(jax.numpy.stack, zip(*last))
    return [sequence, a_last, c_last]


globals().update(functions_of(LAYOUTS["flax"], binding(_run, jax.numpy.asarray), gradients_by_jax))


def set_weights(kind: Kind, cell: Any, weights: Mapping[str, Any]) -> None:
    """Set the weights of a cell. Flax keeps the bias of an LSTM in `dense_h`, that of an RNN in `dense_i`."""
    for linear, name in ((cell.dense_i, "weight"), (cell.dense_h, "recurrent_weight")):
        linear.kernel[...] = jax.numpy.asarray(weights[name])
    (cell.dense_h if kind == "lstm" else cell.dense_i).bias[...] = jax.numpy.asarray(weights["bias"])


@lru_cache(maxsize=64)
def compile_layer(properties: LayerProperties) -> Any:
    """Return a function that runs a layer with any weights; `jax.jit` compiles it once for each shape."""

    def run(weights: Sequence[Mapping[str, Any]], sequence: Any, carries: Any, lengths: Any) -> Any:
        layer = recurrent_layer(properties)
        rnns = [layer] if properties.directions == 1 else [layer.forward_rnn, layer.backward_rnn]
        for rnn, weights_of_direction in zip(rnns, weights):
            set_weights(properties.kind, rnn.cell, weights_of_direction)
        return layer(sequence, initial_carry=carries, seq_lengths=lengths)

    return jax.jit(run)


def recurrent_layer(properties: LayerProperties) -> Any:
    """Return a layer whose weights are zeros."""
    kind, n_in, units, directions, activation, dtype = properties
    zeros = nnx.initializers.zeros_init()
    arguments: dict[str, Any] = {"kernel_init": zeros, "recurrent_kernel_init": zeros}
    cell: Any = nnx.OptimizedLSTMCell
    if kind == "rnn":
        cell, arguments["activation_fn"] = nnx.SimpleCell, getattr(nnx, activation)
    rnns = [
        nnx.RNN(
            cell(n_in, units, dtype=dtype, param_dtype=dtype, rngs=nnx.Rngs(0), **arguments),
            return_carry=True,
        )
        for _ in range(directions)
    ]
    return rnns[0] if directions == 1 else nnx.Bidirectional(*rnns, return_carry=True)
