"""Limits for reading a file: the memory for its tensors, and the number of steps."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Self

from oracle.checkpoints.error import LimitError

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

    def count_tensor(self, name: str, shape: Iterable[int], itemsize: int = 1) -> None:
        """Count the bytes of a tensor that will be read."""
        size = prod(max(0, int(extent)) for extent in shape) * itemsize
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
