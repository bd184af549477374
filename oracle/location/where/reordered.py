"""What an array becomes where it is written in one order of its axes and read in another."""

from collections.abc import Iterator
from functools import partial
from itertools import permutations

import numpy as np

from oracle.location.where.digits import Change
from reference.contract import Array


def rearranged(m: int, T_x: int) -> Iterator[tuple[str, Change]]:
    """Values of other samples and steps, for what has a whole row of each."""
    if m == T_x:
        yield "with samples and steps exchanged", _exchanged
    if m > 1 and T_x > 1:
        yield "written as (samples, steps) and read as (steps, samples)", _steps_first
        yield "written as (steps, samples) and read as (samples, steps)", _samples_first
        yield "read in Fortran's order and written in C's", _fortran_read
        yield "read in C's order and written in Fortran's", _fortran_written


def stacked_otherwise() -> Iterator[tuple[str, Change]]:
    """Values that were stacked in one order of axes and reshaped where they should be transposed."""
    for order in permutations(range(3)):
        if order != (0, 1, 2):
            names = ", ".join(("rows", "samples", "steps")[axis] for axis in order)
            yield f"stacked as ({names}) and read as (rows, samples, steps)", partial(_stacked, order)


def reread(array: Array) -> Array:
    """A matrix that is stored by columns and read by rows."""
    return array.swapaxes(0, 1).reshape(array.shape)


def rewritten(array: Array) -> Array:
    """A matrix that is stored by rows and read by columns."""
    return array.reshape(array.shape[::-1]).T


def rewritten_at_each_step(array: Array) -> Array:
    """As `rewritten`, of the values of each step."""
    n, m, T_x = array.shape
    return array.transpose(2, 0, 1).reshape(T_x, m, n).transpose(2, 1, 0)


def read_in_rows_of_columns(array: Array) -> Array:
    """As with a wrong leading dimension, n in place of k."""
    n, k = array.shape
    places = n * np.arange(n)[:, None] + np.arange(k)
    return np.asarray(np.take(array.ravel(), places, mode="wrap"))


def _exchanged(array: Array) -> Array:
    _, m, T_x = array.shape
    return array.swapaxes(1, 2) if m == T_x else np.full_like(array, np.nan)


def _steps_first(array: Array) -> Array:
    n, m, T_x = array.shape
    return array.reshape(n, T_x, m).swapaxes(1, 2)


def _samples_first(array: Array) -> Array:
    return array.swapaxes(1, 2).reshape(array.shape)


def _fortran_read(array: Array) -> Array:
    return array.ravel("F").reshape(array.shape)


def _fortran_written(array: Array) -> Array:
    return array.ravel().reshape(array.shape, order="F")


def _stacked(order: tuple[int, ...], array: Array) -> Array:
    return array.transpose(order).reshape(array.shape)


def block_transposed(columns: slice, array: Array) -> Array:
    """A matrix in which a square block of columns is transposed."""
    changed = array.copy()
    changed[:, columns] = array[:, columns].T
    return changed


def mirrored(triangle: Array, array: Array) -> Array:
    """A square matrix of which one triangle is that of its transpose."""
    return np.where(triangle, array, array.T)
