"""Least squares of whatever a program shows."""

import numpy as np

from reference.contract import Array


def least_squares(matrix: Array, values: Array, smallest: float | None = None) -> tuple[Array, int]:
    """The factors of the columns that give the values best, and the rank; NaN and 0 where none are found.

    Singular values below `smallest`, as a part of the largest, are 0. Of what is not finite LAPACK finds
    nothing, and may look for ever.
    """
    unknown = np.full(matrix.shape[1], np.nan), 0
    if not (np.isfinite(matrix).all() and np.isfinite(values).all()):
        return unknown
    try:
        factors, _, rank, _ = np.linalg.lstsq(matrix, values, rcond=smallest)
    except np.linalg.LinAlgError:  # for values that overflow
        return unknown
    return factors, int(rank)


def rounded(number: float) -> float:
    """A number of six digits, where it is as near to one as numbers can be told."""
    near = float(f"{number:.6g}")
    return near if abs(near - number) <= 1e-8 * abs(number) else number
