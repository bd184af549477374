"""Least squares of whatever a program shows."""

import numpy as np

from reference.contract import Array


def least_squares(matrix: Array, values: Array, smallest: float | None = None) -> tuple[Array, int]:
    """The factors of the columns that give the values best, and the rank; NaN and 0 where none are found.

    Singular values below `smallest`, as a part of the largest, are 0.
    """
    try:
        factors, _, rank, _ = np.linalg.lstsq(matrix, values, rcond=smallest)
    except np.linalg.LinAlgError:  # for values that overflow
        return np.full(matrix.shape[1], np.nan), 0
    return factors, int(rank)
