"""What the readers of all kinds of files share: tensors, limits of memory and time, and errors."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any, Self

import numpy as np

from reference.contract import Array

FLOATS_16 = ("float16", "bfloat16")
"""The dtypes whose numbers become float32, which is exact."""
FLOATS = (*FLOATS_16, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor in a file.

    If its dtype is not in `FLOATS`, only the shape of the array is used: its numbers may be placeholders.
    """

    array: Array
    dtype: str  # in the file


@dataclass
class Contents:
    """What a reader finds in a file."""

    tensors: dict[str, Tensor] = field(default_factory=dict)  # by name
    activations: dict[str, str] = field(default_factory=dict)  # by the prefix of the layer
    remarks: dict[str, list[str]] = field(default_factory=dict)  # by the prefix of the layer
    skipped: list[str] = field(default_factory=list)  # sentences about recurrent data that is not read


def tensor(array: Array) -> Tensor:
    """Return the tensor of a NumPy array, with native byte order; 16-bit numbers become float32."""
    wide = np.dtype(np.float32) if array.dtype.name in FLOATS_16 else array.dtype.newbyteorder("=")
    return Tensor(np.asarray(array, dtype=wide), array.dtype.name)


class CheckpointError(ValueError):
    """A file cannot be read, or no layers are found in it.

    The message is one line. Unprintable characters are escaped, since names in the file may have some.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class LimitError(CheckpointError):
    """A file needs more memory or steps than the limits allow."""


def printable(text: str) -> str:
    """Return the text in one line, with unprintable characters escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shorten(text: object, length: int = 200) -> str:
    """Return the first paragraph of a message in one line, cut to a length."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def import_optional(package: str) -> Any:
    """Import a package. If it is missing, raise a `CheckpointError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(f"this kind of file needs the package {name}: pip install {name}") from None


FILE_FACTOR = 16
"""The limit for the tensors of a file in memory, as a multiple of the size of the file.

Weights hardly compress, so larger tensors are not weights.
"""
LEAST_LIMIT, GREATEST_LIMIT = 64 * 2**20, 4 * 2**30
"""The limit for small files and the limit for large files, in bytes."""
STEP_LIMIT = 500_000
"""The largest number of steps. A step is a visit of a tensor, node or mapping; 10,000 layers take 50,000."""


@dataclass
class Allowance:
    """The bytes of memory and the steps that a reader may still use.

    A reader counts each tensor by its header before it reads the tensor. The methods that count raise
    `LimitError` if too little is left.
    """

    bytes: int
    steps: int = STEP_LIMIT
    is_fixed: bool = False  # whether the user set the limit of bytes

    @classmethod
    def of(cls, size: int, limit: int | None = None) -> Self:
        """Return the allowance for a file of `size` bytes; the user may set the `limit` of bytes."""
        if limit is not None:
            return cls(limit, is_fixed=True)
        return cls(min(GREATEST_LIMIT, max(LEAST_LIMIT, FILE_FACTOR * size)))

    def add_file(self, size: int) -> None:
        """Add the allowance for a second file of `size` bytes that belongs to the first file."""
        if not self.is_fixed:
            self.bytes = min(GREATEST_LIMIT, self.bytes + FILE_FACTOR * size)

    def count_tensor(self, name: str, shape: Iterable[int], itemsize: int = 1, dtype: str = "") -> None:
        """Count the bytes that a tensor with this dtype in the file will take in memory."""
        size = prod(max(0, int(extent)) for extent in shape) * (4 if dtype in FLOATS_16 else itemsize)
        if size > self.bytes:
            raise LimitError(
                f"{name} needs {size:,} bytes of memory where {self.bytes:,} are left to this file: "
                "--size-limit GIB allows more"
            )
        self.bytes -= size

    def count_steps(self, count: int = 1) -> None:
        """Count visits of tensors, nodes or mappings."""
        self.steps -= count
        if self.steps < 0:
            raise LimitError(f"it takes more than {STEP_LIMIT:,} steps to walk through what is in it")
