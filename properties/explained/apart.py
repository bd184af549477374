"""A search in a process of its own, with which its memory goes; what it asks is asked in this one."""

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from properties.answered.start import ENVIRONMENT, FORKS
from properties.worker.ours import SEARCHING

READY = "ready"
"""What is said first, by a process that can search."""

Search = Callable[..., Any]
"""Is called with what it may ask, and with what else it is given."""


def apart(search: Search, asked: Sequence[Callable[..., Any]], *given: Any) -> Any:
    """What `search(asked, *given)` returns; `search` is of ours, and all that passes can be pickled.

    What the search asks is called in this process, and what that raises ends the search. Where processes
    are not forked, and where none can be spoken to, all of it is done here. Raises `RuntimeError` where the
    search raises anything, or is killed.
    """
    if FORKS and not (_searcher and _searcher[0].is_alive):
        _searcher[:] = [_Searcher()]
    if not FORKS or not _searcher[0].is_alive:
        return search(asked, *given)
    try:
        return _searcher[0].found(search, asked, given)
    except BaseException:
        _searcher[0].end()  # which may be in the middle of something
        raise


class _Searcher:
    """The process that forks searches. It ends when nothing refers to it any more."""

    def __init__(self) -> None:
        self._line, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-B", "-c", SEARCHING, str(theirs.fileno())],
                env={**os.environ, **ENVIRONMENT},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self.end = weakref.finalize(self, _end, self._line, process)
        if self._received() != READY:
            self.end()

    @property
    def is_alive(self) -> bool:
        """Whether `end` has not been called."""
        return bool(self.end.alive)

    def found(self, search: Search, asked: Sequence[Callable[..., Any]], given: Sequence[Any]) -> Any:
        """What a search finds, which asks meanwhile."""
        self._send((search, len(asked), given))
        while True:
            match self._received():
                case ("ask", number, arguments):
                    self._send(asked[number](*arguments))
                case ("found", found):
                    return found
                case ("raised", reason):
                    raise RuntimeError(reason)
                case _:
                    raise RuntimeError("the process that looked for it was killed")

    def _send(self, message: Any) -> None:
        with suppress(OSError):  # of which nothing will be received, either
            self._line.send(message)

    def _received(self) -> Any:
        try:
            return self._line.recv()
        except (EOFError, OSError):
            return None


_searcher: list[_Searcher] = []
"""The one that is used, if any."""


def _end(line: Connection, process: "subprocess.Popen[bytes]") -> None:
    line.close()
    with suppress(ProcessLookupError, PermissionError):  # all of it has ended
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
