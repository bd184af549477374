"""What the readers of files return: tensors by name, and what else a file tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reference.contract import Array

WIDENED = ("float16", "bfloat16")
"""Dtypes that are widened to float32, which is exact."""
FLOATS = (*WIDENED, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor, and its dtype in the file.

    If that is none of `FLOATS`, the array may be a placeholder and cannot be computed with.
    """

    array: Array
    stored: str


@dataclass(frozen=True)
class Contents:
    """The tensors of a file by name, activations and remarks by prefix, and what the reader skipped."""

    tensors: Mapping[str, Tensor]
    activations: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, list[str]] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()


def itemsize(stored: str, size: int) -> int:
    """The bytes of an element once it is read."""
    return max(size, 4) if stored in WIDENED else size


def tensor(array: Array) -> Tensor:
    """The tensor of a NumPy array: 16-bit numbers are widened, and the byte order is the machine's."""
    stored = array.dtype.name
    if stored in WIDENED:
        return Tensor(array.astype(np.float32), stored)
    return Tensor(np.asarray(array, dtype=array.dtype.newbyteorder("=")), stored)
