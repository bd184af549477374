import json
import math
import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from oracle.processes.codec import CodecError, Foreign, decode, encode

DTYPES = [np.dtype(code) for code in "?bhilqBHILQefdgFDG"]

arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
keys = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
leaves = keys | st.just(math.nan) | arrays | st.builds(Foreign, st.text(max_size=3))
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | inner.map(lambda value: [value, value])
    ),
    max_leaves=12,
)


def through(value: Any) -> Any:
    """A value after encoding and decoding."""
    return decode(bytearray(encode(value)))


def with_header(header: Any, size: int = 0) -> bytearray:
    """An encoding with this header, and this number of bytes for arrays."""
    text = json.dumps(header).encode()
    return bytearray(len(text).to_bytes(8, "little") + text + bytes(size))


def same(ours: Any, given: Any) -> bool:
    """Whether two values and all types in them are equal."""
    if type(ours) is not type(given):
        return False
    if isinstance(given, np.ndarray):
        equal = np.array_equal(ours, given, equal_nan=given.dtype.kind in "fc")
        return equal and ours.dtype == given.dtype
    if isinstance(given, (tuple, list)):
        return len(ours) == len(given) and all(map(same, ours, given))
    if isinstance(given, dict):
        return same([*ours.items()], [*given.items()])
    return bool(ours == given) or (ours != ours and given != given)


@given(values)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    """Takes a second: Hypothesis draws a hundred nested values."""
    assert same(through(value), value)


@given(arrays)
def test_layout_and_byte_order_do_not_matter(array: np.ndarray) -> None:
    strided = np.repeat(array[..., None], 2, axis=-1)[..., 0]
    swapped = array.astype(array.dtype.newbyteorder("S"))
    for other in (array.copy("F"), strided, swapped):
        assert same(through(other), array)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=2),
    lambda inner: (
        st.tuples(st.sampled_from("tldif"), st.lists(inner, max_size=3)).map(lambda node: [node[0], *node[1]])
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=1), inner, max_size=2)
    ),
    max_leaves=8,
)
containers = st.tuples(st.sampled_from("tldx"), st.lists(json_values, max_size=3)).map(
    lambda node: [node[0], *node[1]]
)
headers = st.tuples(
    json_values,
    st.lists(
        st.tuples(st.sampled_from(["d", "?", "O", "V"]), st.lists(st.integers(-1, 3)), st.integers(-1, 3))
        | json_values,
        max_size=3,
    ),
    st.lists(st.integers(-2, 2), max_size=3) | json_values,
    st.lists(containers | json_values, max_size=3),
)


@given(headers | json_values, st.integers(0, 4))
def test_a_hostile_header_gives_a_value_or_the_one_error(header: Any, blocks: int) -> None:
    try:
        value = decode(with_header(header, 16 * blocks))
    except CodecError:
        return
    assert same(through(value), value)


@given(st.integers(0, 40) | st.integers(0, 2**64 - 1), st.binary(max_size=40))
def test_hostile_bytes_give_the_one_error(size: int, data: bytes) -> None:
    for hostile in (data, size.to_bytes(8, "little") + data):
        with pytest.raises(CodecError):
            decode(bytearray(hostile))


@given(values, st.data())
def test_a_damaged_encoding_gives_a_value_or_the_one_error(value: Any, data: st.DataObject) -> None:
    damaged = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(
            st.sampled_from(b'[]{},"-0123456789tldif')
        )
    with suppress(CodecError):
        decode(damaged)


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ([None, [], [], [], []], 0),
        ([None, [], [], []], 16),
        ([None, [], []], 0),
        ([-1, [["d", [2], 1]], [0], []], 32),
        ([-1, [["d", [3], 1]], [0], []], 16),
        ([0, [["d", [2], 1]], [0, 0], [["l", -1, -2]]], 16),
        ([-1, [], [], []], 0),
        ([0, [], [], []], 0),
        ([0, [], [], [["l", 0]]], 0),
        ([1, [], [], [["l", 1], ["l"]]], 0),
        ([0, [], [], [["d", 1.5]]], 0),
        ([1, [], [], [["l"], ["d", 0, 1.5]]], 0),
        ([["i", 1.5], [], [], []], 0),
        ([["f", 1], [], [], []], 0),
        ([{}, [], [], []], 0),
    ],
)
def test_a_header_that_fits_no_value_is_the_one_error(header: Any, size: int) -> None:
    with pytest.raises(CodecError):
        decode(with_header(header, size))


def test_booleans_are_0_and_1_whatever_the_bytes() -> None:
    data = with_header([-1, [["?", [3], 1]], [0], []], 16)
    data[-16:-13] = bytes([0, 1, 7])
    assert decode(data).tobytes() == bytes([0, 1, 1])


def test_nesting_json_beyond_pythons_stack_is_the_one_error() -> None:
    with pytest.raises(CodecError):
        decode(bytearray((100_000).to_bytes(8, "little") + b"[" * 100_000))


def test_what_occurs_often_is_encoded_once() -> None:
    parameters = {"W": np.zeros((100, 100))}
    data = encode([parameters, *[(parameters, parameters["W"])] * 1000])
    assert len(data) < 1.1 * parameters["W"].nbytes
    caches = decode(bytearray(data))
    assert all(cache[0] is caches[0] and cache[1] is caches[0]["W"] for cache in caches[1:])


def test_arrays_are_writable_and_aligned() -> None:
    for array in through([np.zeros(3, "b"), np.ones(2), np.ones(1, np.clongdouble)]):
        assert array.flags.writeable
        assert array.flags.aligned


def test_a_container_inside_itself_becomes_a_leaf() -> None:
    caches: list[Any] = [1]
    caches.append(caches)
    parameters: dict[str, Any] = {"caches": caches}
    parameters["itself"] = (parameters,)
    assert through(caches) == [1, Foreign("itself")]
    assert through(parameters) == {"caches": [1, Foreign("itself")], "itself": (Foreign("itself"),)}


def test_arrays_that_no_part_names_are_not_made() -> None:
    """A million arrays without axes would take a hundred times the bytes of their numbers."""
    count = 2**20
    header = json.dumps([None, [["?", [], count]], [], []]).encode()
    data = bytearray(len(header).to_bytes(8, "little") + header + bytes(count))
    tracemalloc.start()
    assert decode(data) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * count
