"""Limits of reading a file: the memory that its tensors take, and the steps of walking through it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Self

from oracle.checkpoints.error import LimitError

LARGEST = 4 * 2**30
"""The most bytes that the tensors of a file may take in memory."""
SMALL, RATIO = 64 * 2**20, 16
"""Tensors may take the larger of `SMALL` bytes and `RATIO` times their file: weights hardly compress."""
STEPS = 500_000
"""The most tensors, nodes and mappings that may be visited; a checkpoint of 10,000 layers takes 50,000."""


@dataclass
class Allowance:
    """The bytes and steps that are left. Sizes are added up from headers, before any tensor is read.

    Methods that count raise `LimitError` if too little is left.
    """

    bytes: int
    steps: int = STEPS
    is_given: bool = False
    """Whether `bytes` is the limit of the user."""

    @classmethod
    def of(cls, size: int, limit: int | None = None) -> Self:
        """The allowance of a file of `size` bytes, or a limit of the user instead."""
        if limit is not None:
            return cls(limit, is_given=True)
        return cls(min(LARGEST, max(SMALL, RATIO * size)))

    def beside(self, size: int) -> None:
        """Allow more for another file of `size` bytes that belongs to the first."""
        if not self.is_given:
            self.bytes = min(LARGEST, self.bytes + RATIO * size)

    def unfold(self, name: str, shape: Iterable[int], itemsize: int = 1) -> None:
        """Count a tensor that will be read."""
        size = prod(max(0, int(extent)) for extent in shape) * itemsize
        if size > self.bytes:
            raise LimitError(
                f"{name} needs {size:,} bytes of memory where {self.bytes:,} are left to this file: "
                "--size-limit GIB allows more"
            )
        self.bytes -= size

    def step(self, count: int = 1) -> None:
        """Count a visit of something."""
        self.steps -= count
        if self.steps < 0:
            raise LimitError(f"it takes more than {STEPS:,} steps to walk through what is in it")
