"""What an array becomes where a loop over blocks leaves some out, or takes some twice."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from oracle.location.where.digits import Change
from reference.contract import Array

LEFT_BY_BLOCKS = "which blocks of"
EACH_BLOCK, LAST_BLOCK = "each block of", "the last block of"


def without_the_rest() -> Iterator[tuple[str, Change]]:
    """As where a loop over blocks of rows leaves the others out."""
    for size in (2, 4, 8, 16, 32, 64):
        yield f"with 0 for the last rows, {LEFT_BY_BLOCKS} {size} leave", partial(_without_rest, size)


def of_the_last_block() -> Iterator[tuple[str, Change]]:
    """As where each block of a sum overwrites the ones before."""
    for size in (2, 4, 8, 16, 32, 64):
        yield (
            f"with 0 for all rows but those of {LAST_BLOCK} {size}",
            partial(_of_last_block, size),
        )


def at_block_ends() -> Iterator[tuple[str, Change]]:
    """As where blocks of rows overlap by one, or leave one between them."""
    for size in (2, 4, 8, 16, 32, 64):
        yield f"with the first row of {EACH_BLOCK} {size} but the first twice", partial(_at_row, size, 0, 2)
        yield f"with 0 for the first row of {EACH_BLOCK} {size} but the first", partial(_at_row, size, 0, 0)
        yield f"with 0 for the last row of {EACH_BLOCK} {size}", partial(_at_row, size, size - 1, 0)


def within_blocks(n: int) -> Iterator[tuple[str, Change]]:
    """As where each block of units sees those of its own alone, of square weights of so many."""
    for size in (2, 4, 8, 16, 32, 64):
        if n > size:
            of_block = np.arange(n) // size
            yield (
                f"with 0 outside of {EACH_BLOCK} {size}",
                partial(np.multiply, of_block[:, None] == of_block),
            )


def _of_last_block(size: int, array: Array) -> Array:
    changed = array.copy()
    changed[: (len(array) - 1) // size * size] = 0
    return changed


def _at_row(size: int, row: int, factor: float, array: Array) -> Array:
    changed = array.copy()
    changed[row or size :: size] *= factor
    return changed


def _without_rest(size: int, array: Array) -> Array:
    changed = array.copy()
    changed[len(array) - len(array) % size :] = 0
    return changed


def of_first_tile(size: int, array: Array, axis: int) -> Array:
    """The rows, or samples, of the first tile in each."""
    return np.take(array, np.arange(array.shape[axis]) % size, axis)


def of_first_of_rest(size: int, array: Array) -> Array:
    """As where the loop over the steps that blocks leave goes on to read the first of them."""
    steps, T_x = np.arange(array.shape[2]), array.shape[2]
    return array[:, :, np.minimum(steps, T_x - T_x % size)]
