"""Mistakes in arrays: the precision of numbers, shapes and axes, and the samples in the columns.

The known quantities are those of `oracle.faults.equations`.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from oracle.faults.catalogue.table import mistakes
from reference.contract import Array


def _cast(z: Array, dtype: str) -> Array:
    """The array in `dtype`; an array of a narrower dtype is unchanged."""
    return z.astype(min(np.dtype(dtype), z.dtype, key=lambda each: each.itemsize))


def _rounded(z: Array, dtype: str) -> Array:
    """The numbers of `z` rounded to `dtype`, as an array of the dtype of `z`."""
    with np.errstate(over="ignore"):
        return z.astype(dtype).astype(z.dtype)


def _bfloat16(z: Array) -> Array:
    """The numbers of `z` rounded to eight significant bits."""
    significand, exponent = np.frexp(z)
    return np.ldexp(np.round(256 * significand) / 256, exponent)


ROUNDING: Mapping[str, Callable[[Array], Array]] = {
    "float32": partial(_rounded, dtype="float32"),
    "float16": partial(_rounded, dtype="float16"),
    "bfloat16": _bfloat16,
}
"""For each precision, the function that rounds the numbers of an array and keeps its dtype."""


MISTAKES = mistakes(
    """
[precision]
EVERY
  computed_in_float32 | everything is computed in float32
    | argument = cast(array, 'float32') | parameters = mapped(p, lambda z: cast(z, 'float32'))
  computed_in_float16 | everything is computed in float16
    | argument = cast(array, 'float16') | parameters = mapped(p, lambda z: cast(z, 'float16'))
FORWARDS
  inputs_cast_to_float32 | the inputs are cast to float32, so the results are float32
    | argument = cast(array, 'float32')
  x_cast_to_float32 | x is cast to float32, so the results are float32 | x = cast(x, 'float32')
ALL
  inputs_in_float32 | the inputs are rounded to float32 | argument = float32
FORWARDS
  x_in_float32 | x is rounded to float32 | x = float32(x)
  stored_in_float32 | the results are stored in arrays of float32
    | ? = right.astype(np.float32) | y = right.astype(np.float32)
  stored_in_int64 | the results are stored in arrays of int64
    | ? = right.astype(np.int64) | y = right.astype(np.int64)
EVERY
  parameters_in_float32 | the parameters are rounded to float32 | parameters = mapped(p, float32)
  parameters_in_float16 | the parameters are rounded to float16 | parameters = mapped(p, float16)
  parameters_in_bfloat16 | the parameters are rounded to bfloat16 | parameters = mapped(p, bfloat16)
ALL
  y_in_float32 | predictions are rounded to float32 | softmax = float32(softmax(z))
FORWARDS
  a_in_float32 | a_prev is rounded to float32 | a_prev = float32(a_next)
lstm_forward
  c_in_float32 | c_prev is rounded to float32 | c_prev = float32(c_next)
EVERY
  z_in_float32 | pre-activations are rounded to float32 | affine = float32(W @ u + b)
  bfloat16 | products are taken in bfloat16 | affine = bfloat16(W) @ bfloat16(u) + b
[shapes]
FORWARDS
  loop_over_features | the loop over time runs over len(x) | steps = range(n_x)
  loop_over_samples | the loop over time runs over m | steps = range(m)
  y_of_n_a_steps | y has n_a steps, not T_x | y = np.zeros((n_y, m, n_a), x.dtype)
  x_indexed_by_sample | step t reads x[:, t]
    | xt = np.broadcast_to(x[:, t], (n_x, m if T_x == 1 and 'Wax' in parameters else T_x))
  x_reshaped | x is reshaped, not transposed | x = np.reshape(x.T, x.shape)
  x_to_time_first | x is reshaped to (T_x, n_x, m) | xt = x.reshape(T_x, n_x, m)[t]
  x_to_samples | x is reshaped to (T_x, m, n_x) | xt = x.reshape(T_x, m, n_x)[t].T
  a0_reshaped | a0 is reshaped, not transposed | a0 = a0.reshape(m, n_a).T
  time_before_samples | the results have time before samples | answer = out.swapaxes(1, 2)
  time_first | the results have time on the first axis | answer = np.moveaxis(out, 2, 0)
  reshaped | the results are reshaped, not transposed | answer = np.reshape(out.T, out.shape)
  last_step_alone | only the last step is returned | answer = out[:, :, -1]
EVERY
  squeezed | dimensions of 1 are squeezed out of the results | answer = np.squeeze(out)
  bias_along_samples | biases are added along the samples | affine = W @ u + b.T
ALL
  by_along_samples | by is added along the samples | logits = Wy @ a_next + by.T
LSTM
  c_and_y_exchanged | c and the prediction are returned in each other's place
    | returned = [names[0], *names[:0:-1]]
  a_and_c_returned_exchanged | a and c are returned in each other's place
    | returned = exchanged(exchanged(names, 'a_next', 'c_next'), 'a', 'c')
LAYERS
  a_time_before_samples | a has time before samples | top = padded.swapaxes(1, 2)
  a_time_first | a has time on the first axis | top = np.moveaxis(padded, 2, 0)
  a_samples_first | a has samples on the first axis | top = np.moveaxis(padded, 1, 0)
  a_reshaped | a is reshaped, not transposed | top = np.reshape(padded.T, padded.shape)
  a_at_the_last_step | only the last step of a is returned | top = padded[:, :, -1]
  x_written_by_sample | the memory of x, samples before steps, is read as steps before samples
    | below = inputs['x'].reshape(-1, T_x, m).swapaxes(1, 2)
  samples_taken_for_time | the axes of samples and of time are exchanged
    | below = inputs['x'].swapaxes(1, 2) | top = padded.swapaxes(1, 2)
  last_states_samples_first | the last states have samples before units
    | ?_last = np.stack(?_ends).swapaxes(1, 2)
  a_alone | only a is returned | returned = names[:1]
lstm_layer
  a_last_and_c_last_exchanged | a_last and c_last are returned in each other's place
    | returned = exchanged(names, 'a_last', 'c_last')
  c_last_is_a_last | a_last is returned for c_last | c_last = a_last
[batch]
EVERY
  bias_summed | a bias is summed over the units | affine = W @ u + b.sum()
  first_bias_for_all | every unit has the bias of the first | affine = W @ u + b[0]
  first_sample_for_all | every sample has the values of the first sample | concat = right[:, [0] * m]
  a_of_neighbour | a_prev is that of another sample | concat = np.vstack([np.roll(a_prev, 1, 1), xt])
ALL
  samples_reversed | the samples are returned in reversed order | answer = out[:, ::-1]
  last_sample_skipped | the last sample is left zero
    | answer = np.hstack([out[:, :-1], np.zeros_like(out[:, -1:])])
""",
    cast=_cast,
    **ROUNDING,
)
