"""The last lines of standard error, which is read while a process runs: it never waits for a reader."""

import os
from typing import IO

LINES = 5
BYTES = 2**11
"""How much of it is kept, from the end."""

_AT_ONCE = 2**16
_AT_MOST = 64
"""How many times that much are read at a time; who writes faster is read again soon."""


class LastWords:
    """The end of what comes through a pipe, of which this reads one end and closes it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        os.set_blocking(pipe.fileno(), False)
        self._pipe = pipe
        self._heard = b""

    def fileno(self) -> int:
        """What is to be waited for."""
        return self._pipe.fileno()

    def listen(self) -> bool:
        """Read what is there; whether more may come."""
        for _ in range(_AT_MOST):
            heard = self._pipe.read(_AT_ONCE)
            if not heard:
                return heard is None
            self._heard = (self._heard + heard)[-BYTES:]
        return True

    def forget(self) -> None:
        """Let what was written so far be no last words."""
        self.listen()
        self._heard = b""

    def __str__(self) -> str:
        lines = [line.rstrip() for line in self._heard.decode(errors="replace").splitlines()]
        return "\n".join([line for line in lines if line][-LINES:])
