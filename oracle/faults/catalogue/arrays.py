"""Mistakes in arrays: the precision of numbers, shapes and axes, and the samples in the columns.

The known quantities are those of `oracle.faults.equations`.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from oracle.faults.entry import altered, exchanged, mistakes
from oracle.faults.functions import ALL, EVERY, FORWARDS, LAYERS, LSTM, LSTM_FORWARD, LSTM_LAYER
from oracle.faults.parameters import mapped
from oracle.network.forward import in_order
from reference.arrays import softmax
from reference.contract import Array


def _cast(z: Array, dtype: str) -> Array:
    """The array in `dtype`; an array of a narrower dtype is unchanged."""
    return z.astype(min(np.dtype(dtype), z.dtype, key=lambda each: each.itemsize))


def _rounded(z: Array, dtype: str) -> Array:
    """The numbers of `z` rounded to `dtype`, as an array of the dtype of `z`."""
    with np.errstate(over="ignore"):
        return z.astype(dtype).astype(z.dtype)


def bfloat16(z: Array, whole: Callable[[Array], Array] = np.round) -> Array:
    """The numbers of `z` rounded to eight significant bits by the function `whole`."""
    significand, exponent = np.frexp(z)
    return np.asarray(np.ldexp(whole(256 * significand) / 256, exponent))


def _x_of_sample(v: Any) -> Array:
    """`x[:, t]`, an array of samples in an RNN of one step."""
    columns = v.m if v.T_x == 1 and "Wax" in v.parameters else v.T_x
    return np.broadcast_to(v.x[:, v.t], (v.n_x, columns))


def _steps_first(x: Array) -> Array:
    """x `(n, m, T_x)`, whose memory is read as that of an array `(n, T_x, m)`."""
    n, m, T_x = x.shape
    return x.reshape(n, T_x, m).swapaxes(1, 2)


_to_float32, _to_float16 = partial(_cast, dtype="float32"), partial(_cast, dtype="float16")
_float32, _float16 = partial(_rounded, dtype="float32"), partial(_rounded, dtype="float16")
ROUNDING: Mapping[str, Callable[[Array], Array]] = {
    "float32": _float32,
    "float16": _float16,
    "bfloat16": bfloat16,
}
"""For each precision, the function that rounds the numbers of an array and keeps its dtype."""


MISTAKES = mistakes(
    "precision",
    EVERY("computed_in_float32", "everything is computed in float32")
    | {"argument": _to_float32}
    | mapped(_to_float32),
    EVERY("computed_in_float16", "everything is computed in float16")
    | {"argument": _to_float16}
    | mapped(_to_float16),
    FORWARDS("inputs_cast_to_float32", "the inputs are cast to float32, so the results are float32")
    | {"argument": _to_float32},
    FORWARDS("x_cast_to_float32", "x is cast to float32, so the results are float32")
    | {"x": lambda v: _to_float32(v.x)},
    ALL("inputs_in_float32", "the inputs are rounded to float32") | {"argument": _float32},
    FORWARDS("x_in_float32", "x is rounded to float32") | {"x": lambda v: _float32(v.x)},
    FORWARDS("stored_in_float32", "the results are stored in arrays of float32")
    | altered("a", "c", "y", by=lambda right, v: right.astype(np.float32)),
    FORWARDS("stored_in_int64", "the results are stored in arrays of int64")
    | altered("a", "c", "y", by=lambda right, v: right.astype(np.int64)),
    EVERY("parameters_in_float32", "the parameters are rounded to float32") | mapped(_float32),
    EVERY("parameters_in_float16", "the parameters are rounded to float16") | mapped(_float16),
    EVERY("parameters_in_bfloat16", "the parameters are rounded to bfloat16") | mapped(bfloat16),
    ALL("y_in_float32", "predictions are rounded to float32") | {"softmax": lambda z: _float32(softmax(z))},
    FORWARDS("a_in_float32", "a_prev is rounded to float32") | {"a_prev": lambda v: _float32(v.a_next)},
    LSTM_FORWARD("c_in_float32", "c_prev is rounded to float32") | {"c_prev": lambda v: _float32(v.c_next)},
    EVERY("z_in_float32", "pre-activations are rounded to float32")
    | {"affine": lambda W, u, b: _float32(W @ u + b)},
    EVERY("bfloat16", "products are taken in bfloat16")
    | {"affine": lambda W, u, b: bfloat16(W) @ bfloat16(u) + b},
    "shapes",
    FORWARDS("loop_over_features", "the loop over time runs over len(x)") | {"steps": lambda v: range(v.n_x)},
    FORWARDS("loop_over_samples", "the loop over time runs over m") | {"steps": lambda v: range(v.m)},
    FORWARDS("y_of_n_a_steps", "y has n_a steps, not T_x")
    | {"y": lambda v: np.zeros((v.n_y, v.m, v.n_a), v.x.dtype)},
    FORWARDS("x_indexed_by_sample", "step t reads x[:, t]") | {"xt": _x_of_sample},
    FORWARDS("x_reshaped", "x is read as x.T.reshape(x.shape)")
    | {"x": lambda v: np.reshape(v.x.T, v.x.shape)},
    FORWARDS("x_to_time_first", "x is reshaped to (T_x, n_x, m)")
    | {"xt": lambda v: v.x.reshape(v.T_x, v.n_x, v.m)[v.t]},
    FORWARDS("x_to_time_second", "x is reshaped to (n_x, T_x, m)")
    | {"xt": lambda v: v.x.reshape(v.n_x, v.T_x, v.m)[:, v.t]},
    FORWARDS("x_to_samples", "x is reshaped to (T_x, m, n_x)")
    | {"xt": lambda v: v.x.reshape(v.T_x, v.m, v.n_x)[v.t].T},
    FORWARDS("a0_reshaped", "a0 is read as a0.reshape(m, n_a).T")
    | {"a0": lambda v: v.a0.reshape(v.m, v.n_a).T},
    FORWARDS("time_before_samples", "the results have time before samples")
    | {"answer": lambda out: out.swapaxes(1, 2)},
    FORWARDS("time_first", "the results have time on the first axis")
    | {"answer": lambda out: np.moveaxis(out, 2, 0)},
    FORWARDS("reshaped", "the results are reshaped, not transposed")
    | {"answer": lambda out: np.reshape(out.T, out.shape)},
    FORWARDS("last_step_alone", "only the last step is returned") | {"answer": lambda out: out[:, :, -1]},
    EVERY("squeezed", "dimensions of 1 are squeezed out of the results") | {"answer": np.squeeze},
    EVERY("bias_along_samples", "biases are added along the samples")
    | {"affine": lambda W, u, b: W @ u + b.T},
    ALL("by_along_samples", "by is added along the samples") | {"logits": lambda v: v.Wy @ v.a_next + v.by.T},
    LSTM("c_and_y_exchanged", "c and the prediction are returned in each other's place")
    | {"returned": lambda names: [names[0], *names[:0:-1]]},
    LSTM("a_and_c_returned_exchanged", "a and c are returned in each other's place")
    | {"returned": lambda names: exchanged("a_next", "c_next")(exchanged("a", "c")(names))},
    LAYERS("a_time_before_samples", "a has time before samples") | {"top": lambda v: v.padded.swapaxes(1, 2)},
    LAYERS("a_time_first", "a has time on the first axis") | {"top": lambda v: np.moveaxis(v.padded, 2, 0)},
    LAYERS("a_samples_first", "a has samples on the first axis")
    | {"top": lambda v: np.moveaxis(v.padded, 1, 0)},
    LAYERS("a_reshaped", "a is reshaped, not transposed")
    | {"top": lambda v: np.reshape(v.padded.T, v.padded.shape)},
    LAYERS("a_at_the_last_step", "only the last step of a is returned")
    | {"top": lambda v: v.padded[:, :, -1]},
    LAYERS("x_written_by_sample", "the memory of x, samples before steps, is read as steps before samples")
    | {"below": lambda v: _steps_first(v.inputs["x"])},
    LAYERS("steps_by_reshape", "every layer reshapes its input to (n, T_x, m), and does not transpose it")
    | {"read": lambda v: in_order(_steps_first(v.below), v.order)},
    LAYERS("samples_taken_for_time", "the axes of samples and of time are exchanged")
    | {"below": lambda v: v.inputs["x"].swapaxes(1, 2), "top": lambda v: v.padded.swapaxes(1, 2)},
    LAYERS("last_states_samples_first", "the last states have samples before units")
    | altered("a_last", "c_last", by=lambda right, v: right.swapaxes(1, 2)),
    LAYERS("a_alone", "only a is returned") | {"returned": lambda names: names[:1]},
    LSTM_LAYER("a_last_and_c_last_exchanged", "a_last and c_last are returned in each other's place")
    | {"returned": exchanged("a_last", "c_last")},
    LSTM_LAYER("c_last_is_a_last", "a_last is returned for c_last") | {"c_last": lambda v: v.a_last},
    "batch",
    EVERY("bias_summed", "a bias is summed over the units") | {"affine": lambda W, u, b: W @ u + b.sum()},
    EVERY("first_bias_for_all", "every unit has the bias of the first")
    | {"affine": lambda W, u, b: W @ u + b[0]},
    EVERY("first_sample_for_all", "every sample has the values of the first sample")
    | altered("concat", by=lambda right, v: right[:, [0] * v.m]),
    EVERY("a_of_neighbour", "a_prev is that of another sample")
    | {"concat": lambda v: np.vstack([np.roll(v.a_prev, 1, 1), v.xt])},
    ALL("samples_reversed", "the samples are returned in reversed order")
    | {"answer": lambda out: out[:, ::-1]},
    ALL("last_sample_skipped", "the last sample is left zero")
    | {"answer": lambda out: np.hstack([out[:, :-1], np.zeros_like(out[:, -1:])])},
)
