"""Copies the steps of a sequence to an array whose last axis is time."""

import numpy as np

from reference.contract import Array

STEPS_AT_A_TIME = 256
"""The number of steps to copy at once: the addresses of so few steps fit into a processor's TLB."""


def time_last(steps: Array) -> Array:
    """A copy of `steps (T_x, n, m)` as `(n, m, T_x)`."""
    T_x, n, m = steps.shape
    copy = np.empty((n, m, T_x), steps.dtype)
    for t in range(0, T_x, STEPS_AT_A_TIME):
        copy[:, :, t : t + STEPS_AT_A_TIME] = steps[t : t + STEPS_AT_A_TIME].transpose(1, 2, 0)
    return copy
