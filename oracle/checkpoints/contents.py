"""What the readers of all kinds of files share: the contents of a file, limits, and errors."""

import importlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod
from typing import Any, Self

import numpy as np

from reference.contract import Array

WIDENED = ("float16", "bfloat16")
"""The dtypes whose numbers are converted to float32, which is exact."""
FLOATS = (*WIDENED, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor, and its dtype in the file.

    If the dtype is not in `FLOATS`, the array has the shape of the tensor, but not its numbers.
    """

    array: Array
    stored: str


@dataclass
class Contents:
    """The tensors of a file by name; activations and remarks by the prefix of a layer; and skipped parts."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    activations: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)


def tensor(array: Array) -> Tensor:
    """The tensor of a NumPy array, with native byte order; 16-bit numbers are converted to float32."""
    stored = array.dtype.name
    if stored in WIDENED:
        return Tensor(array.astype(np.float32), stored)
    return Tensor(np.asarray(array, dtype=array.dtype.newbyteorder("=")), stored)


class CheckpointError(ValueError):
    """A file that cannot be read, or in which no layers are found.

    The message is one line. Its unprintable characters, which may come from names in the file, are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class LimitError(CheckpointError):
    """A file that needs more memory or steps than the limits allow."""


def printable(text: str) -> str:
    """The text in one line, with unprintable characters escaped."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shortened(text: object, length: int = 200) -> str:
    """The first paragraph of a message in one line, cut to a length."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def import_optional(package: str, extra: str = "checkpoints") -> Any:
    """Import an optional library; if it is missing, a `CheckpointError` says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(
            f"this kind of file needs the package {name}: pip install 'rnn-crosscheck[{extra}]'"
        ) from None


LARGEST = 4 * 2**30
"""The largest number of bytes for the tensors of a file in memory."""
SMALL, RATIO = 64 * 2**20, 16
"""Tensors may take `RATIO` times the size of their file or `SMALL` bytes, whichever is more.

Weights hardly compress, so larger tensors are not weights.
"""
STEPS = 500_000
"""The largest number of steps. A step is a visit of a tensor, node or mapping; 10,000 layers take 50,000."""


@dataclass
class Allowance:
    """The bytes and steps that are left for reading a file.

    A reader counts each tensor by its header before it reads the tensor. The methods that count raise
    `LimitError` if too little is left.
    """

    bytes: int
    steps: int = STEPS
    is_given: bool = False
    """Whether the user set the limit."""

    @classmethod
    def of(cls, size: int, limit: int | None = None) -> Self:
        """The allowance for a file of `size` bytes, or the user's `limit` of bytes."""
        if limit is not None:
            return cls(limit, is_given=True)
        return cls(min(LARGEST, max(SMALL, RATIO * size)))

    def add_file(self, size: int) -> None:
        """Add the allowance for another file of `size` bytes that belongs to the first file."""
        if not self.is_given:
            self.bytes = min(LARGEST, self.bytes + RATIO * size)

    def count_tensor(self, name: str, shape: Iterable[int], itemsize: int = 1, stored: str = "") -> None:
        """Count the bytes of a tensor that will be read, with its dtype `stored` in the file."""
        size = prod(max(0, int(extent)) for extent in shape) * (4 if stored in WIDENED else itemsize)
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
            raise LimitError(f"it takes more than {STEPS:,} steps to walk through what is in it")
