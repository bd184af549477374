"""The contents of a file: its tensors by name, activations, and remarks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reference.contract import Array

WIDENED = ("float16", "bfloat16")
"""The dtypes whose numbers are converted to float32, which is exact."""
FLOATS = (*WIDENED, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor, and its dtype in the file.

    If the dtype is not in `FLOATS`, only the shape of the array is that of the tensor.
    """

    array: Array
    stored: str


@dataclass(frozen=True)
class Contents:
    """The tensors of a file by name; activations and remarks by the prefix of a layer; and skipped parts."""

    tensors: Mapping[str, Tensor]
    activations: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, list[str]] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()


def itemsize(stored: str, size: int) -> int:
    """The bytes of an element in memory."""
    return max(size, 4) if stored in WIDENED else size


def tensor(array: Array) -> Tensor:
    """The tensor of a NumPy array, with native byte order; 16-bit numbers are converted to float32."""
    stored = array.dtype.name
    if stored in WIDENED:
        return Tensor(array.astype(np.float32), stored)
    return Tensor(np.asarray(array, dtype=array.dtype.newbyteorder("=")), stored)
