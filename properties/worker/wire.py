"""Messages between the judge and the process in which foreign code runs, and that process' last words."""

from collections.abc import Callable
from hashlib import sha256
from struct import Struct
from typing import Any

from properties.worker.codec import ALIGNMENT, MAX_BYTES, CodecError, decode, encode

LOST_CONNECTION = 97
"""Exit status of a worker that cannot send its answer."""
OUT_OF_MEMORY = 98
"""Exit status of a worker that has not even the memory for an answer."""

_PREFIX = Struct("<QQQ")
"""Serial number, size of the header, size of the payload."""


def pack(serial: int, value: Any) -> bytes:
    """The message that carries `value`; raises what `encode` raises."""
    header, blocks = encode(value)
    header += b" " * (-len(header) % ALIGNMENT)
    return b"".join([_PREFIX.pack(serial, len(header), sum(map(len, blocks))), header, *blocks])


class Receiver:
    """Reads messages, one after the other.

    `read(n)` gives up to n bytes, and none where no more will come.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._bytes = bytearray()
        self._last: tuple[bytes, bytearray] = (b"", bytearray())

    def receive(self) -> tuple[int, Any, list[str]]:
        """The serial number, the value and the converted type names of the next message.

        Raises `EOFError` where the bytes end early, and `CodecError` where they are no message.
        """
        self._fill(_PREFIX.size, ahead=2**16)
        serial, header, payload = _PREFIX.unpack_from(self._bytes)
        if max(header, payload) > 2 * MAX_BYTES:
            raise CodecError("sizes beyond reason")
        start = _PREFIX.size + header
        end = start + payload
        self._fill(end)
        self._last = bytes(self._bytes[_PREFIX.size : start]), self._bytes[start:end]
        del self._bytes[:end]
        return serial, *decode(*self._last)

    def digest(self) -> bytes:
        """Of the last message, but for its number: two with the same one carry the same."""
        header, payload = self._last
        return sha256(_PREFIX.pack(0, len(header), len(payload)) + header + payload).digest()

    @property
    def is_ahead(self) -> bool:
        """Whether something came after the last message."""
        return bool(self._bytes)

    def _fill(self, size: int, ahead: int = 0) -> None:
        while (missing := size - len(self._bytes)) > 0:
            data = self._read(min(max(missing, ahead), 2**20))
            if not data:
                raise EOFError
            self._bytes += data
