"""Messages between the judge and the process in which foreign code runs, and that process' last words."""

from collections.abc import Callable
from struct import Struct
from typing import Any

from properties.codec import ALIGNMENT, MAX_BYTES, CodecError, decode, encode

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


def receive(read: Callable[[int], bytes]) -> tuple[int, Any, list[str]]:
    """The serial number, the value and the converted type names of the next message.

    `read(n)` gives up to n bytes, and none where no more will come.

    Raises `EOFError` where the bytes end early, and `CodecError` where they are no message.
    """
    body = bytearray()
    while len(body) < _PREFIX.size:
        body += _more(read, 2**16)
    serial, header, payload = _PREFIX.unpack_from(body)
    if max(header, payload) > 2 * MAX_BYTES:
        raise CodecError("sizes beyond reason")
    del body[: _PREFIX.size]
    while len(body) < header + payload:
        body += _more(read, header + payload - len(body))
    if len(body) > header + payload:
        raise CodecError("more bytes than announced")
    return serial, *decode(bytes(body[:header]), body[header:])


def _more(read: Callable[[int], bytes], size: int) -> bytes:
    data = read(min(size, 2**20))
    if not data:
        raise EOFError
    return data
