"""What the networks share: activations, arrays over time, and the gradients of an affine map of all steps.

Gradients are those of a loss that depends on the hidden states. `da` is the direct gradient of the loss with
respect to each hidden state; a backward pass adds the effect of a state on later steps. The prediction head
does not contribute.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from reference.contract import Array
from reference.validation import floating


def sigmoid(z: Any, out: Array | None = None) -> Array:
    """The logistic function 1 / (1 + exp(-z)), elementwise.

    The result has the shape of `z`, and its dtype if that is floating; other real dtypes become float64. If
    `out` is given, the result is written into it, as in NumPy; `out` may be `z`.
    """
    z = floating("z", z)
    # e / (1 + e) is accurate down to the subnormals. `divide` needs the dtype, since NumPy 1 computes 1 + e
    # in float64 if e is a single number.
    e = np.exp(np.minimum(z, _saturation(z.dtype)), out=out)
    return np.asarray(np.divide(e, 1 + e, out=out, dtype=e.dtype))


@lru_cache
def _saturation(dtype: np.dtype[Any]) -> Any:
    """The number from which on the sigmoid is rounded to 1; exp of this number does not overflow."""
    return np.log(8 / np.finfo(dtype).eps).astype(dtype)


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def softmax(z: Any) -> Array:
    """exp(z) / sum(exp(z)) along axis 0, one column for each sample.

    The result has the shape of `z`, and its dtype if that is floating; other real dtypes become float64.

    The function subtracts the maximum of each column first, which does not change the quotient and prevents
    an overflow of exp (Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA J. Numer. Anal. 2021). A NaN or +inf in a column makes only this column NaN.
    """
    z = floating("z", z)
    e = np.exp(z - z.max(axis=0))
    return np.asarray(e / e.sum(axis=0))


STEPS_AT_A_TIME = 256
"""The number of steps to copy at once: the addresses of so few steps fit into a processor's TLB."""


def time_last(steps: Array) -> Array:
    """A copy of `steps (T_x, n, m)` as `(n, m, T_x)`."""
    T_x, n, m = steps.shape
    copy = np.empty((n, m, T_x), steps.dtype)
    for t in range(0, T_x, STEPS_AT_A_TIME):
        copy[:, :, t : t + STEPS_AT_A_TIME] = steps[t : t + STEPS_AT_A_TIME].transpose(1, 2, 0)
    return copy


def state_gradients(da: Array) -> Array:
    """The gradients `da (n_a, m, T_x)` as `(n_a, T_x + 1, m)`, with 0 for the initial state."""
    n_a, m, T_x = da.shape
    with_initial = np.zeros((n_a, T_x + 1, m), da.dtype)
    with_initial[:, 1:] = da.transpose(0, 2, 1)
    return with_initial


def input_gradient(dz: Array, Wx: Array) -> Array:
    """The gradient with respect to the inputs, `(n_x, m, T_x)`, from `dz (n, T_x, m)`."""
    n, T_x, m = dz.shape
    steps = (Wx.T @ dz.reshape(n, T_x * m)).reshape(Wx.shape[1], T_x, m)
    return time_last(steps.transpose(1, 0, 2))


def weight_gradient(dz: Array, v: Array) -> Array:
    """The gradient `(n, k)` with respect to weights that act on `v (k, T_x, m)`, from `dz (n, T_x, m)`."""
    columns = dz.shape[1] * dz.shape[2]
    return dz.reshape(len(dz), columns) @ v.reshape(len(v), columns).T


def bias_gradient(dz: Array) -> Array:
    """The gradient with respect to the bias, `(n, 1)`, from `dz (n, T_x, m)`."""
    return np.asarray(np.sum(dz, axis=(1, 2)))[:, None]
