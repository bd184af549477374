"""Steps whose input an earlier step has had, of which some use the results again."""

import numpy as np

from reference.contract import Array


def first_of_that_xt(x: Array) -> Array:
    """The first step that has the input of each, of all samples `(T_x,)`; -1 where that is itself."""
    seen = [(x[:, :, t] + 0.0).tobytes() for t in range(x.shape[2])]  # so that -0.0 is 0.0
    return np.array([seen.index(each) if each in seen[:t] else -1 for t, each in enumerate(seen)], int)


def of_first_of_that_xt(x: Array, array: Array) -> Array:
    """What stands at the first step of the same input; NaN where that is itself."""
    first = first_of_that_xt(x)
    return np.where(first < 0, np.nan, array[:, :, first])
