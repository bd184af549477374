"""The result of reading a file: tensors by name, activations and remarks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reference.contract import Array

WIDENED = ("float16", "bfloat16")
"""Dtypes that become float32, which is exact."""
FLOATS = (*WIDENED, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor, and its dtype in the file.

    For a dtype outside of `FLOATS`, the array may be a placeholder without the numbers.
    """

    array: Array
    stored: str


@dataclass(frozen=True)
class Contents:
    """The tensors of a file by name, activations and remarks by prefix, and the skipped data in words."""

    tensors: Mapping[str, Tensor]
    activations: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, list[str]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def itemsize(stored: str, size: int) -> int:
    """The bytes of an element in memory."""
    return max(size, 4) if stored in WIDENED else size


def tensor(array: Array) -> Tensor:
    """The tensor of a NumPy array; 16-bit numbers become float32, and the byte order native."""
    stored = array.dtype.name
    if stored in WIDENED:
        return Tensor(array.astype(np.float32), stored)
    return Tensor(np.asarray(array, dtype=array.dtype.newbyteorder("=")), stored)
