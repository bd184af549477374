"""The last lines of a process' standard error, which are read while it runs, so that it never blocks."""

import os
from typing import IO

LINES = 5
BYTES = 2**11
"""The size of the end that is kept."""

_CAPACITY = 2**16
"""The capacity of a pipe: the most bytes of one read, since a process may write without end."""


class StderrTail:
    """The end of what was written to a pipe."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._tail = b""

    def fileno(self) -> int:
        """The file descriptor to poll."""
        return self._pipe.fileno()

    def read(self) -> bool:
        """Read what is available. Returns false at the end of the pipe."""
        chunk = self._pipe.read(_CAPACITY)
        self._tail = (self._tail + (chunk or b""))[-BYTES:]
        return chunk != b""

    def clear(self) -> None:
        """Drop what was written so far."""
        self.read()
        self._tail = b""

    def __str__(self) -> str:
        lines = [line.rstrip() for line in self._tail.decode(errors="replace").splitlines()]
        return "\n".join([line for line in lines if line][-LINES:])
