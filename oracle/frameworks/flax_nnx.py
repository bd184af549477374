"""Flax: `flax.nnx.RNN` of an `OptimizedLSTMCell` or `SimpleCell`, in `nnx.Bidirectional` for two directions.

A sequence is `(batch, time, features)`. Stacked layers are modules that are called in a row. Lengths are the
argument `seq_lengths`. Initial states are the argument `initial_carry`: for an LSTM the tuple `(c, h)`, for
`Bidirectional` a pair of carries. Absent initial states are those of `initialize_carry`: zeros. There is no
projection. Flax does not document its outputs after the end of a sample, which are those of the cell for the
padding, so this adapter sets them to 0. The layers above do not need this mask.

JAX has float64 only with `jax_enable_x64`, which this adapter sets. XLA flushes subnormal numbers to zero. A
cell takes its precision as `dtype` and `param_dtype`. Its initial weights are zeros, since every call sets
all weights; the default initializers do not support float16 or divide by the number of features, which may be
0.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

os.environ["JAX_ENABLE_X64"] = "1"

import jax
from flax import nnx

from oracle.frameworks.functions import (
    COMMON_LIMITS,
    Call,
    LayerProperties,
    bind_tensors,
    functions_of,
    gradients_by_jax,
)
from oracle.layout import LAYOUTS
from reference.contract import Kind

FLAX = LAYOUTS["flax"]
SUPPORTS = {**COMMON_LIMITS, "projection": False, "subnormals": False}


def _run(call: Call) -> list[Any]:
    sequence, D = call.sequence, call.directions
    lengths = None if call.lengths is None else jax.numpy.asarray(call.lengths)
    carries = None
    if call.states[0] is not None:
        carries = [*call.states[0]] if call.kind == "rnn" else [(c, a) for a, c in zip(*call.states)]
    last: list[Any] = []
    for k in range(0, len(call.weights), D):
        layer = compiled(call.layer(sequence.shape[2], sequence.dtype.name))
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


globals().update(functions_of(FLAX, bind_tensors(_run, jax.numpy.asarray), gradients_by_jax))


def set_weights(kind: Kind, cell: Any, weights: Mapping[str, Any]) -> None:
    """Set the weights of a cell. The bias is in `dense_h` of an LSTM, and in `dense_i` of an RNN."""
    for linear, name in ((cell.dense_i, "weight"), (cell.dense_h, "recurrent_weight")):
        linear.kernel[...] = jax.numpy.asarray(weights[name])
    (cell.dense_h if kind == "lstm" else cell.dense_i).bias[...] = jax.numpy.asarray(weights["bias"])


@lru_cache(maxsize=64)
def compiled(sizes: LayerProperties) -> Callable[..., Any]:
    """The function that runs a layer with given weights; `jax.jit` compiles it once for each shape."""

    def run(weights: Sequence[Mapping[str, Any]], sequence: Any, carries: Any, lengths: Any) -> Any:
        layer = recurrent_layer(sizes)
        each = [layer] if sizes.directions == 1 else [layer.forward_rnn, layer.backward_rnn]
        for rnn, given in zip(each, weights):
            set_weights(sizes.kind, rnn.cell, given)
        return layer(sequence, initial_carry=carries, seq_lengths=lengths)

    made: Callable[..., Any] = jax.jit(run)
    return made


def recurrent_layer(sizes: LayerProperties) -> Any:
    """A layer with weights that are zeros."""
    make: Any = {"rnn": nnx.SimpleCell, "lstm": nnx.OptimizedLSTMCell}[sizes.kind]
    how: dict[str, Any] = {
        "dtype": sizes.dtype,
        "param_dtype": sizes.dtype,
        "kernel_init": nnx.initializers.zeros_init(),
        "recurrent_kernel_init": nnx.initializers.zeros_init(),
    }
    if sizes.kind == "rnn":
        how["activation_fn"] = {"tanh": nnx.tanh, "relu": nnx.relu}[sizes.activation]
    cells = [make(sizes.n_in, sizes.units, rngs=nnx.Rngs(0), **how) for _ in range(sizes.directions)]
    one, *other = (nnx.RNN(cell, return_carry=True) for cell in cells)
    return nnx.Bidirectional(one, *other, return_carry=True) if other else one
