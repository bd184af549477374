"""Messages between the judge and the process in which foreign code runs, and that process' last words."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from signal import SIGUSR1
from struct import Struct
from typing import Any

from properties.worker.codec import ALIGNMENT, MAX_BYTES, CodecError, decode, encode

LOST_CONNECTION = 97
"""Exit status of a worker that cannot send its answer."""
OUT_OF_MEMORY = 98
"""Exit status of a worker that has not even the memory for an answer."""
MOST = 2**16
"""Bytes of a request to the process that forks workers at most."""
WHERE_ARE_YOU = SIGUSR1
"""The signal on which a worker writes the frames in which it is to the file of its last words."""

_NUMBERS = Struct("<QQ")
"""Serial number, and the seconds in which it should be answered."""
_SIZES = Struct("<QQ")
"""Of the header and of the payload."""
_START = _NUMBERS.size + _SIZES.size


def pack(serial: int, value: Any) -> bytes:
    """The message that carries `value`; raises what `encode` raises."""
    return numbered(serial, body(value))


def body(value: Any) -> bytes:
    """What of a message carries a value, which can be sent again; raises what `encode` raises."""
    header, blocks = encode(value)
    header += b" " * (-len(header) % ALIGNMENT)
    return b"".join([_SIZES.pack(len(header), sum(map(len, blocks))), header, *blocks])


def numbered(serial: int, body: bytes, seconds: int = 0) -> bytes:
    """The message with such a body."""
    return _NUMBERS.pack(serial, seconds) + body


@dataclass(frozen=True)
class Message:
    """What came: its serial number, the seconds in which it should be answered, and bytes of any kind."""

    serial: int
    seconds: int
    header: bytes
    payload: bytearray

    @property
    def digest(self) -> bytes:
        """Of the bytes: two messages with the same one carry the same."""
        sizes = _SIZES.pack(len(self.header), len(self.payload))
        return sha256(sizes + self.header + self.payload).digest()

    def decoded(self) -> tuple[Any, list[str]]:
        """The value, and the names of the types converted in it; raises `CodecError`."""
        return decode(self.header, self.payload)


class Receiver:
    """Reads messages, one after the other.

    `read(n)` gives up to n bytes, and none where no more will come.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._bytes = bytearray()

    def receive(self) -> Message:
        """The next message; `EOFError` where the bytes end early, `CodecError` where they are none."""
        self._fill(_START, ahead=2**16)
        serial, seconds = _NUMBERS.unpack_from(self._bytes)
        header, payload = _SIZES.unpack_from(self._bytes, _NUMBERS.size)
        if max(header, payload) > 2 * MAX_BYTES:
            raise CodecError("sizes beyond reason")
        start = _START + header
        end = start + payload
        self._fill(end)
        message = Message(serial, seconds, bytes(self._bytes[_START:start]), self._bytes[start:end])
        del self._bytes[:end]
        return message

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
