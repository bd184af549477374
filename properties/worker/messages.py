"""Messages between the judge and a worker, and the exit statuses of a worker."""

from collections.abc import Callable
from signal import SIGUSR1
from struct import Struct

from properties.worker.codec import MAX_BYTES, CodecError

LOST_CONNECTION = 97
"""Exit status of a worker that cannot send its answer."""
OUT_OF_MEMORY = 98
"""Exit status of a worker without memory for an answer."""
MAX_REQUEST = 2**16
"""The most bytes of a request to the fork server."""
DUMP_STACK = SIGUSR1
"""The signal on which a worker writes its stack to its crash report."""

_START = Struct("<QQQ")
"""The serial number, the time limit in seconds, and the number of bytes that follow."""


def message(serial: int, body: bytes, seconds: int = 0) -> bytes:
    """The message with this body, an encoded value."""
    return _START.pack(serial, seconds, len(body)) + body


class Receiver:
    """Reads messages by `read(n)`, which returns up to n bytes, and none at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._bytes = bytearray()

    def receive(self) -> tuple[int, int, bytearray]:
        """The serial number, the time limit and the body of the next message.

        Raises `EOFError` if the bytes end early, and `CodecError` if they are no message.
        """
        self._fill(_START.size, ahead=2**16)
        serial, seconds, size = _START.unpack_from(self._bytes)
        if size > 4 * MAX_BYTES:
            raise CodecError("a size beyond reason")
        self._fill(_START.size + size)
        body = self._bytes[_START.size : _START.size + size]
        del self._bytes[: _START.size + size]
        return serial, seconds, body

    def _fill(self, size: int, ahead: int = 0) -> None:
        while (missing := size - len(self._bytes)) > 0:
            data = self._read(min(max(missing, ahead), 2**20))
            if not data:
                raise EOFError
            self._bytes += data
