"""How the steps of a sequence lie in memory: first each in one piece, then with time last."""

import numpy as np

from reference.contract import Array

STEPS_AT_A_TIME = 256
"""Of so many a processor remembers where in memory they lie; of 10,000 it does not."""


def time_last(steps: Array) -> Array:
    """A copy of `steps (T_x, n, m)` as `(n, m, T_x)`."""
    T_x, n, m = steps.shape
    copy = np.empty((n, m, T_x), steps.dtype)
    for t in range(0, T_x, STEPS_AT_A_TIME):
        copy[:, :, t : t + STEPS_AT_A_TIME] = steps[t : t + STEPS_AT_A_TIME].transpose(1, 2, 0)
    return copy
