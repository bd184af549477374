"""Messages between the judge and a worker, and the exit statuses of a worker."""

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
"""Exit status of a worker without memory for an answer."""
MAX_REQUEST = 2**16
"""The most bytes of a request to the fork server."""
DUMP_STACK = SIGUSR1
"""The signal on which a worker writes its stack to its crash report."""

_NUMBERS = Struct("<QQ")
"""The serial number, and the time limit in seconds."""
_SIZES = Struct("<QQ")
"""The sizes of the header and of the payload."""
_START = _NUMBERS.size + _SIZES.size


def pack(serial: int, value: Any) -> bytes:
    """The message that carries `value`; raises what `encode` raises."""
    return numbered(serial, body(value))


def body(value: Any) -> bytes:
    """The part of a message with the value, which can be sent again. Raises what `encode` raises."""
    header, blocks = encode(value)
    header += b" " * (-len(header) % ALIGNMENT)
    return b"".join([_SIZES.pack(len(header), sum(map(len, blocks))), header, *blocks])


def numbered(serial: int, body: bytes, seconds: int = 0) -> bytes:
    """The message with this body."""
    return _NUMBERS.pack(serial, seconds) + body


@dataclass(frozen=True)
class Message:
    """A received message: serial number, time limit in seconds, and bytes that are not decoded yet."""

    serial: int
    seconds: int
    header: bytes
    payload: bytearray

    @property
    def digest(self) -> bytes:
        """A digest of the bytes. Equal values have equal digests."""
        sizes = _SIZES.pack(len(self.header), len(self.payload))
        return sha256(sizes + self.header + self.payload).digest()

    def decoded(self) -> tuple[Any, list[str]]:
        """The value, and the names of the types converted in it; raises `CodecError`."""
        return decode(self.header, self.payload)


class Receiver:
    """Reads messages by `read(n)`, which returns up to n bytes, and none at the end."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._bytes = bytearray()

    def receive(self) -> Message:
        """The next message. Raises `EOFError` if the bytes end early, `CodecError` if they are no message."""
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
        """Whether bytes were read after the last message."""
        return bool(self._bytes)

    def _fill(self, size: int, ahead: int = 0) -> None:
        while (missing := size - len(self._bytes)) > 0:
            data = self._read(min(max(missing, ahead), 2**20))
            if not data:
                raise EOFError
            self._bytes += data
