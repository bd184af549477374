"""Defines the messages between the judge and a worker, and the exit statuses of a worker."""

from collections.abc import Callable
from signal import SIGINT
from struct import Struct

from oracle.processes.codec import MAX_BYTES, CodecError
from oracle.processes.posix import SIGUSR1

LOST_CONNECTION = 97
"""The exit status of a worker that cannot send its answer."""
OUT_OF_MEMORY = 98
"""The exit status of a worker that has no memory left for an answer."""
MAX_REQUEST = 2**16
"""The most bytes of a request to the fork server."""
DUMP_STACK = SIGUSR1
"""The signal on which a worker writes its stack to its crash report."""

INTERRUPT = SIGINT
"""The signal at the time limit of an import: it ends the statement of the target that is running."""

_HEAD = Struct("<QQQ")
"""The head of a message: the serial number, the time limit in seconds, and the size of the body in bytes."""


def message(serial: int, body: bytes, seconds: int = 0) -> bytes:
    """Return the bytes of a message whose body is an encoded value."""
    return _HEAD.pack(serial, seconds, len(body)) + body


class Receiver:
    """Reads messages with a function `read(n)` that returns up to n bytes, and no byte at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._bytes = bytearray()

    def receive(self) -> tuple[int, int, bytearray]:
        """Return the serial number, the time limit in seconds and the body of the next message.

        Raises `EOFError` if the bytes end early, and `CodecError` if they are no message.
        """
        self._fill(_HEAD.size, ahead=2**16)
        serial, seconds, size = _HEAD.unpack_from(self._bytes)
        if size > 4 * MAX_BYTES:
            raise CodecError("a size beyond reason")
        end = _HEAD.size + size
        self._fill(end)
        body = self._bytes[_HEAD.size : end]
        del self._bytes[:end]
        return serial, seconds, body

    def _fill(self, size: int, ahead: int = 0) -> None:
        """Read until the buffer has `size` bytes, and ask for at least `ahead` bytes at a time."""
        while (missing := size - len(self._bytes)) > 0:
            data = self._read(min(max(missing, ahead), 2**20))
            if not data:
                raise EOFError
            self._bytes += data
