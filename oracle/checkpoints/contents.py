"""What a reader of files hands on: tensors by name, and what else it knows of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reference.contract import Array

WIDENED = ("float16", "bfloat16")
"""Read as float32, which is exact."""
FLOATS = (*WIDENED, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor, and the dtype in which the file has it.

    Where that is no dtype of `FLOATS`, weights are quantised, and the array is none to compute with.
    """

    array: Array
    stored: str


@dataclass(frozen=True)
class Contents:
    """The tensors of a file; by prefix the activation and remarks, if it tells; and what it skips."""

    tensors: Mapping[str, Tensor]
    activations: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, list[str]] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()


def itemsize(stored: str, size: int) -> int:
    """Bytes of an element once it is read."""
    return max(size, 4) if stored in WIDENED else size


def tensor(array: Array) -> Tensor:
    """An array of NumPy as it is read: 16 bits widened, in the byte order of the machine."""
    stored = array.dtype.name
    if stored in WIDENED:
        return Tensor(array.astype(np.float32), stored)
    return Tensor(np.asarray(array, dtype=array.dtype.newbyteorder("=")), stored)
