"""Arrays: the precision of their numbers, their shapes and axes, and the samples in their columns.

The attributes of `v` are the known quantities, with the sizes (see `oracle.faults.equations`).
"""

from collections.abc import Callable, Mapping

import numpy as np

from oracle.faults.catalogue.entry import (
    ALL,
    EVERY,
    FORWARDS,
    LSTM,
    LSTM_FORWARD,
    LSTM_LAYER,
    RIGHT,
    Entries,
    concat,
    each,
    exchanged,
)
from oracle.faults.fault import Fault
from reference.activations import softmax
from reference.contract import LAYERS, Array

PRECISION = Entries("precision")


def _cast(dtype: str) -> Callable[[Array], Array]:
    """Cast an array to a dtype, unless its own dtype is narrower."""
    return lambda z: z.astype(min(np.dtype(dtype), z.dtype, key=lambda each: each.itemsize))


def _float32(z: Array) -> Array:
    """Rounded to float32, in the dtype of z."""
    return z.astype(np.float32).astype(z.dtype)


def _float16(z: Array) -> Array:
    """Rounded to float16, in the dtype of z."""
    with np.errstate(over="ignore"):
        return z.astype(np.float16).astype(z.dtype)


def _bfloat16(z: Array) -> Array:
    """Rounded to eight significant bits."""
    mantissa, exponent = np.frexp(z)
    return np.ldexp(np.round(256 * mantissa) / 256, exponent)


ROUNDED: Mapping[str, Callable[[Array], Array]] = {
    "float32": _float32,
    "float16": _float16,
    "bfloat16": _bfloat16,
}
"""The functions that round an array, by the name of the precision."""

every, sequence = PRECISION.of(EVERY), PRECISION.of(FORWARDS)
for dtype in ("float32", "float16"):
    narrow = {"given": _cast(dtype), "parameters": each(_cast(dtype))}
    every(f"computed_in_{dtype}", f"everything is computed in {dtype}", **narrow)
so_results = "cast to float32, so the results are float32"
sequence("inputs_cast_to_float32", f"the inputs are {so_results}", given=_cast("float32"))
sequence("x_cast_to_float32", f"x is {so_results}", x=lambda v: _cast("float32")(v.x))
PRECISION.of(ALL)("inputs_in_float32", "the inputs are rounded to float32", given=_float32)
sequence("x_in_float32", "x is rounded to float32", x=lambda v: _float32(v.x))
for dtype in ("float32", "int64"):
    stored = {to: lambda v, to=to, dtype=dtype: RIGHT[to](v).astype(dtype) for to in ("a", "c", "y")}
    sequence(f"stored_in_{dtype}", f"the results are stored in arrays of {dtype}", **stored)
for name, rounded in ROUNDED.items():
    sentence = f"the parameters are rounded to {name}"
    every(f"parameters_in_{name}", sentence, parameters=each(rounded))
PRECISION.of(ALL)(
    "y_in_float32", "predictions are rounded to float32", softmax=lambda z: _float32(softmax(z))
)
sequence("a_in_float32", "a_prev is rounded to float32", a_prev=lambda v: _float32(v.a_next))
PRECISION.of(LSTM_FORWARD)(
    "c_in_float32", "c_prev is rounded to float32", c_prev=lambda v: _float32(v.c_next)
)
affine_is = PRECISION.of(EVERY, "affine")
affine_is("z_in_float32", "pre-activations are rounded to float32", lambda W, u, b: _float32(W @ u + b))
affine_is("bfloat16", "products are taken in bfloat16", lambda W, u, b: _bfloat16(W) @ _bfloat16(u) + b)

SHAPES = Entries("shapes")

shapes = SHAPES.of(FORWARDS)
shapes("loop_over_features", "the loop over time runs over len(x)", steps="range(n_x)")
shapes("loop_over_samples", "the loop over time runs over m", steps="range(m)")
shapes("y_of_n_a_steps", "y has n_a steps, not T_x", y="np.zeros((n_y, m, n_a), x.dtype)")
read_by_sample = {
    "rnn_forward": {"xt": lambda v: np.broadcast_to(v.x[:, v.t], (v.n_x, v.m if v.T_x == 1 else v.T_x))},
    "lstm_forward": {"xt": lambda v: v.x[:, v.t]},  # if m differs from T_x, xt does not fit below a_prev
}
SHAPES.append(Fault("x_indexed_by_sample", "shapes", "step t reads x[:, t]", read_by_sample))
shapes("x_reshaped", "x is reshaped, not transposed", x="np.reshape(x.T, x.shape)")
xt_is = SHAPES.of(FORWARDS, "xt")
xt_is("x_to_time_first", "x is reshaped to (T_x, n_x, m)", "x.reshape(T_x, n_x, m)[t]")
xt_is("x_to_samples", "x is reshaped to (T_x, m, n_x)", "x.reshape(T_x, m, n_x)[t].T")
shapes("a0_reshaped", "a0 is reshaped, not transposed", a0="a0.reshape(m, n_a).T")
answers_are = SHAPES.of(FORWARDS, "answer")
answers_are("time_before_samples", "the results have time before samples", lambda out: out.swapaxes(1, 2))
answers_are("time_first", "the results have time on the first axis", lambda out: np.moveaxis(out, 2, 0))
answers_are("reshaped", "the results are reshaped, not transposed", lambda out: np.reshape(out.T, out.shape))
answers_are("last_step_alone", "only the last step is returned", lambda out: out[:, :, -1])
shapes = SHAPES.of(EVERY)
shapes("squeezed", "dimensions of 1 are squeezed out of the results", answer=np.squeeze)
shapes("bias_along_samples", "biases are added along the samples", affine=lambda W, u, b: W @ u + b.T)
shapes = SHAPES.of(ALL)
shapes("by_along_samples", "by is added along the samples", logits="Wy @ a_next + by.T")
shapes = SHAPES.of(LSTM)
c_last = {"returned": lambda names: [names[0], *names[:0:-1]]}
shapes("c_and_y_exchanged", "c and the prediction are returned in each other's place", **c_last)
c_first = {"returned": lambda names: exchanged("a", "c")(exchanged("a_next", "c_next")(names))}
shapes("a_and_c_returned_exchanged", "a and c are returned in each other's place", **c_first)

top_is = SHAPES.of(LAYERS, "top")
top_is("a_time_before_samples", "a has time before samples", "padded.swapaxes(1, 2)")
top_is("a_time_first", "a has time on the first axis", "np.moveaxis(padded, 2, 0)")
top_is("a_samples_first", "a has samples on the first axis", "np.moveaxis(padded, 1, 0)")
top_is("a_reshaped", "a is reshaped, not transposed", "np.reshape(padded.T, padded.shape)")
top_is("a_at_the_last_step", "only the last step of a is returned", "padded[:, :, -1]")
shapes = SHAPES.of(LAYERS)
x_misread = {"below": "given['x'].reshape(-1, T_x, m).swapaxes(1, 2)"}
shapes("x_written_by_sample", "x is written as (samples, steps) and read as (steps, samples)", **x_misread)
exchanged_axes = {"below": "given['x'].swapaxes(1, 2)", "top": "padded.swapaxes(1, 2)"}
shapes("samples_taken_for_time", "the axes of samples and of time are exchanged", **exchanged_axes)
samples_first = {"a_last": "np.stack(a_ends).swapaxes(1, 2)", "c_last": "np.stack(c_ends).swapaxes(1, 2)"}
shapes("last_states_samples_first", "the last states have samples before units", **samples_first)
shapes("a_alone", "only a is returned", returned=lambda names: names[:1])
shapes = SHAPES.of(LSTM_LAYER)
sentence = "a_last and c_last are returned in each other's place"
shapes("a_last_and_c_last_exchanged", sentence, returned=exchanged("a_last", "c_last"))
shapes("c_last_is_a_last", "a_last is returned for c_last", c_last="a_last")

BATCH = Entries("batch")

affine_is = BATCH.of(EVERY, "affine")
affine_is("bias_summed", "a bias is summed over the units", lambda W, u, b: W @ u + b.sum())
affine_is("first_bias_for_all", "every unit has the bias of the first", lambda W, u, b: W @ u + b[0])
concat_is = BATCH.of(EVERY, "concat")
sentence = "every sample has the values of the first sample"
concat_is("first_sample_for_all", sentence, lambda v: concat(v)[:, [0] * v.m])
concat_is("a_of_neighbour", "a_prev is that of another sample", "np.vstack([np.roll(a_prev, 1, 1), xt])")
answers_are = BATCH.of(ALL, "answer")
answers_are("samples_reversed", "the samples are returned in reversed order", lambda out: out[:, ::-1])
sentence, zeros = "the last sample is left zero", np.zeros_like
answers_are("last_sample_skipped", sentence, lambda y: np.hstack([y[:, :-1], zeros(y[:, -1:])]))
