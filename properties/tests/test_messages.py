from io import BytesIO
from struct import pack as struct_pack
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.processes.codec import CodecError, decode, encode
from properties.worker.messages import Receiver, message

MESSAGE = message(7, encode(("returned", np.arange(3.0), [np.float32(1)])), 5)


def in_pieces(message: bytes, size: int) -> Any:
    """A function `read` that returns a few bytes at a time."""
    stream = BytesIO(message)
    return lambda most: stream.read(min(size, most))


@given(st.integers(1, len(MESSAGE)))
def test_a_message_arrives_in_any_pieces(size: int) -> None:
    serial, seconds, body = Receiver(in_pieces(MESSAGE, size)).receive()
    value = decode(body)
    assert (serial, seconds) == (7, 5)
    assert value[0] == "returned"
    assert np.array_equal(value[1], np.arange(3.0))
    assert value[2] == [1]


@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 100))
def test_a_message_that_ends_early_is_an_end(length: int, size: int) -> None:
    with pytest.raises(EOFError):
        Receiver(in_pieces(MESSAGE[:length], size)).receive()


@given(st.binary(max_size=80), st.integers(0, 90))
def test_bytes_that_are_no_message_are_an_end_or_an_error(data: bytes, size: int) -> None:
    for wrong in (data, struct_pack("<QQQ", 1, 0, size) + data):
        with pytest.raises((EOFError, CodecError)):
            decode(Receiver(BytesIO(wrong).read).receive()[2])


@given(st.integers(1, 10_000))
def test_messages_come_one_after_the_other(size: int) -> None:
    receiver = Receiver(in_pieces(b"".join(message(i, encode([i] * i)) for i in range(5)) + b"x", size))
    for i in range(5):
        serial, _, body = receiver.receive()
        assert (serial, decode(body)) == (i, [i] * i)
    with pytest.raises(EOFError):
        receiver.receive()


def test_a_size_beyond_reason_is_not_waited_for() -> None:
    with pytest.raises(CodecError, match="beyond reason"):
        Receiver(BytesIO(struct_pack("<QQQ", 1, 0, 2**60)).read).receive()
