"""Limits for reading a file: the memory of its tensors, and the steps to walk through its contents."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Self

from oracle.checkpoints.error import LimitError

LARGEST = 4 * 2**30
"""The largest number of bytes for the tensors of a file in memory."""
SMALL, RATIO = 64 * 2**20, 16
"""Tensors may take `RATIO` times the size of their file, or `SMALL` bytes: weights hardly compress."""
STEPS = 500_000
"""The largest number of visited tensors, nodes and mappings; a file of 10,000 layers has 50,000."""


@dataclass
class Allowance:
    """The bytes and steps that are left. A reader counts each tensor by its header, before it reads it.

    The methods that count raise `LimitError` if too little is left.
    """

    bytes: int
    steps: int = STEPS
    is_given: bool = False
    """Whether the user set the limit."""

    @classmethod
    def of(cls, size: int, limit: int | None = None) -> Self:
        """The allowance for a file of `size` bytes; a `limit` of the user replaces it."""
        if limit is not None:
            return cls(limit, is_given=True)
        return cls(min(LARGEST, max(SMALL, RATIO * size)))

    def add_file(self, size: int) -> None:
        """Allow more for another file of `size` bytes that belongs to the first."""
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
