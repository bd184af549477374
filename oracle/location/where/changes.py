"""What an array may have become by mistake: turned, of another step, of other rows, normalised."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from oracle.location.where.blocks import (
    at_block_ends,
    of_first_of_rest,
    of_first_tile,
    of_the_last_block,
    within_blocks,
    without_the_rest,
)
from oracle.location.where.digits import LESS_PRECISE, Change
from oracle.location.where.normalised import NORMALISED
from oracle.location.where.reordered import (
    block_transposed,
    mirrored,
    read_in_rows_of_columns,
    rearranged,
    reread,
    rewritten,
    rewritten_at_each_step,
    stacked_otherwise,
)
from reference.contract import Array

STRETCHED = "divided by its largest singular value where that is above 1"
"""Of one column, by its norm."""
MOVED_BY = "moved by at most"
OF_RANK = "largest singular values alone"


def changes(array: Array) -> Iterator[tuple[str, Change]]:
    """Those of a weight or a bias, or of what weights are applied to, each in words."""
    yield "replaced by 0", np.zeros_like
    yield from LESS_PRECISE
    if array.ndim == 2:
        yield from _of_parameter(array)
    else:
        yield from _of_values(array)
    yield from within_limits()
    yield "or 0 where that is negative", partial(np.maximum, 0)
    yield "without its sign", np.abs
    yield "with its rows in reverse order", partial(np.flip, axis=0)
    yield "with each row that of the row before", partial(np.roll, shift=1, axis=0)
    yield "with each row that of the row after", partial(np.roll, shift=-1, axis=0)
    if array.ndim == 3:
        yield "with 1 for what is not 0", _ones
        yield "replaced by its sign", np.sign


def _of_parameter(array: Array) -> Iterator[tuple[str, Change]]:
    n, k = array.shape
    if k > 1:
        if n == k:
            yield "transposed", np.transpose
            yield "with its diagonal alone", partial(np.multiply, np.eye(n))
            yield "without its diagonal", partial(np.multiply, 1 - np.eye(n))
            yield "with its lower triangle mirrored", partial(mirrored, np.tril(np.ones((n, n))))
            yield "with its upper triangle mirrored", partial(mirrored, np.triu(np.ones((n, n))))
            yield "with its lower triangle alone", partial(np.multiply, np.tril(np.ones((n, n))))
            yield "with its upper triangle alone", partial(np.multiply, np.triu(np.ones((n, n))))
            yield from within_blocks(n)
        elif n < k:
            yield "with its first square transposed", partial(block_transposed, slice(None, n))
            yield "with its last square transposed", partial(block_transposed, slice(-n, None))
        yield "read in Fortran's order and written in C's", reread
        yield "read in C's order and written in Fortran's", rewritten
        yield "with its columns in reverse order", partial(np.flip, axis=1)
        yield "with its columns one place on", partial(np.roll, shift=1, axis=1)
        yield "with its columns one place back", partial(np.roll, shift=-1, axis=1)
    if k == 1:
        yield from without_the_rest()
        for size in (2, 4, 8, 16, 32, 64):
            yield f"of unit k that of unit k mod {size}", partial(of_first_tile, size, axis=0)
    for rank in (1, 2, 4, 8, 16, 32, 64):
        if rank < min(n, k):
            yield f"with its {rank} {OF_RANK}", partial(_of_rank, rank)
    yield STRETCHED, _of_spectral_norm
    yield "with its first row for all", partial(_row, 0)
    yield "with its last row for all", partial(_row, -1)
    yield "read as if its rows were as long as its columns", read_in_rows_of_columns


def _of_values(array: Array) -> Iterator[tuple[str, Change]]:
    k, m, T_x = array.shape
    for steps in (1, 2, 3):
        yield f"of {_steps(steps)} before", partial(_of_earlier, steps)
        yield f"of {_steps(steps)} after", partial(_of_earlier, -steps)
    for axis, what in ((1, "sample"), (2, "step")):
        yield f"of {what} 0", partial(np.take, indices=[0], axis=axis)
        yield f"of the last {what}", partial(np.take, indices=[-1], axis=axis)
        yield f"of the {what}s in reverse order", partial(np.flip, axis=axis)
    for size in (2, 4, 8, 16, 32):
        if 0 < -T_x % size < T_x:
            yield f"of (-T_x) mod {size} steps before", partial(_of_earlier, -T_x % size)
    for size in (2, 4, 8):
        if T_x > 1:
            words = f"of the first of the last T_x mod {size} steps, in these"
            yield words, partial(of_first_of_rest, size)
    for size in (2, 4, 8, 16, 32, 64):
        if m > size:
            yield f"of sample k that of sample k mod {size}", partial(of_first_tile, size, axis=1)
    yield "of the sample before", partial(np.roll, shift=1, axis=1)
    yield "of the sample after", partial(np.roll, shift=-1, axis=1)
    if k == m:
        yield "transposed", partial(np.swapaxes, axis1=0, axis2=1)
    yield from rearranged(m, T_x)
    yield "with its rows and samples read in Fortran's order and written in C's", reread
    yield "with its rows and samples read in C's order and written in Fortran's", rewritten_at_each_step
    yield from stacked_otherwise()
    yield from NORMALISED.items()
    yield from without_the_rest()
    yield from at_block_ends()
    yield from of_the_last_block()
    if k:
        for words, factor in (("with 0 for {}", 0), ("with {} twice", 2)):
            yield words.format("its first row"), partial(_with_row_times, factor, 0)
            yield words.format("its last row"), partial(_with_row_times, factor, -1)
    for least in (0.001, 0.01, 0.05, 0.1, 0.2, 0.25, 0.5):
        yield f"that is kept where it has {MOVED_BY} {least:g} since", partial(_kept, least)
    yield "with 1 for its largest row and 0 for the others", one_hot
    yield "through tanh", np.tanh
    for part in (0.05, 0.1, 0.15, 0.2, 0.3, 0.5):
        yield f"with {part:g} of what was carried before", partial(_averaged, part)
    yield "with 0 for rows that are positive in no sample", _where_any_is_positive
    for most in (0.5, 1, 2, 3, 4, 5, 8, 10):
        yield f"with no sample's norm above {most:g}", partial(_of_norm_at_most, most)
    yield "squared", np.square


def _ones(array: Array) -> Array:
    return np.asarray(array != 0, array.dtype)


def one_hot(array: Array) -> Array:
    """1 for the largest row of each column, and 0 for the others."""
    rows = np.arange(len(array)).reshape(-1, *[1] * (array.ndim - 1))
    return (rows == array.argmax(axis=0)).astype(array.dtype) if len(array) else array


def _steps(count: int) -> str:
    return "the step" if count == 1 else f"{count} steps"


def _of_spectral_norm(array: Array) -> Array:
    largest = np.linalg.norm(array, 2) if array.size and np.isfinite(array).all() else 1.0
    return array / max(largest, 1.0)


def _of_rank(rank: int, array: Array) -> Array:
    if not np.isfinite(array).all():
        return array
    left, values, right = np.linalg.svd(array, full_matrices=False)
    return np.asarray((left[:, :rank] * values[:rank]) @ right[:rank])


def _row(place: int, array: Array) -> Array:
    return np.broadcast_to(array[[place]], array.shape)


def _of_earlier(steps: int, array: Array) -> Array:
    moved = np.full_like(array, np.nan)
    if abs(steps) < array.shape[2]:
        to, source = (
            slice(max(steps, 0), min(steps, 0) or None),
            slice(max(-steps, 0), min(-steps, 0) or None),
        )
        moved[:, :, to] = array[:, :, source]
    return moved


def _kept(least: float, array: Array) -> Array:
    """Numbers that are taken anew where they are far enough from those taken last, as in a delta network."""
    kept = array.copy()
    for t in range(1, array.shape[2]):
        before = kept[:, :, t - 1]
        kept[:, :, t] = np.where(np.abs(array[:, :, t] - before) > least, array[:, :, t], before)
    return kept


def _averaged(part: float, array: Array) -> Array:
    """Each step keeps a part of what was carried into the one before."""
    carried = array.copy()
    for t in range(1, array.shape[2]):
        carried[:, :, t] = (1 - part) * array[:, :, t] + part * carried[:, :, t - 1]
    return carried


def wrapped() -> Iterator[tuple[str, Change]]:
    """Numbers that go round: less a multiple of the length of an interval."""
    for size, words in (*((float(k), f"{k}") for k in _ENDS), (np.pi, "π")):
        yield f"wrapped into [-{words}, {words})", partial(_wrap, size)


_ENDS = (1, 2, 3, 4, 5, 6, 8, 10, 16, 20, 32, 50, 64, 100, 128)


def _wrap(size: float, array: Array) -> Array:
    return np.asarray((array + size) % (2 * size) - size)


def within_limits() -> Iterator[tuple[str, Change]]:
    """Small numbers that are taken for 0, and large ones that are limited."""
    for least in (1e-4, 1e-3, 0.01, 0.05, 0.1, 0.2, 0.25, 0.5):
        yield f"with 0 where its size is below {least:g}", partial(_without_small, least)
    for most in (0.5, 0.9, 0.95, 0.99, 1, 2, 3, 4, 5, 6, 8, 10, 20, 50, 100):
        yield f"limited to ±{most:g}", partial(np.clip, a_min=-most, a_max=most)


def _without_small(least: float, array: Array) -> Array:
    return np.where(np.abs(array) < least, 0, array)


def _where_any_is_positive(array: Array) -> Array:
    return np.where((array > 0).any(axis=1, keepdims=True), array, 0)


def _of_norm_at_most(most: float, array: Array) -> Array:
    norm = np.sqrt(np.square(array).sum(axis=0, keepdims=True))
    return np.asarray(array * np.minimum(1, most / norm))


def _with_row_times(factor: float, row: int, array: Array) -> Array:
    changed = array.copy()
    changed[row] *= factor
    return changed
