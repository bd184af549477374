"""How much reading a file may cost: the bytes that it unfolds to, and the steps of walking through it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Self

from oracle.checkpoints.error import LimitError

LARGEST = 4 * 2**30
"""Bytes that the tensors of a file may have in memory."""
SMALL, RATIO = 64 * 2**20, 16
"""A file may unfold to `SMALL` bytes or to `RATIO` times its own size: trained weights hardly compress."""
STEPS = 500_000
"""Tensors, nodes and mappings that may be visited. A checkpoint of 10,000 layers takes 50,000."""


@dataclass
class Allowance:
    """What is left of both. Sizes are counted from headers, before anything is read.

    Each method raises `LimitError` where nothing is left.
    """

    bytes: int
    steps: int = STEPS
    is_given: bool = False
    """Whether the user has said how many bytes."""

    @classmethod
    def of(cls, size: int, limit: int | None = None) -> Self:
        """For a file of `size` bytes; a limit that the user gives stands alone."""
        if limit is not None:
            return cls(limit, is_given=True)
        return cls(min(LARGEST, max(SMALL, RATIO * size)))

    def beside(self, size: int) -> None:
        """Another file of `size` bytes belongs to it."""
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
        """Count something that is visited."""
        self.steps -= count
        if self.steps < 0:
            raise LimitError(f"it takes more than {STEPS:,} steps to walk through what is in it")
