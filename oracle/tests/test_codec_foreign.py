"""Values of other types, nested too deep or too large: some become arrays, others leaves."""

from collections import namedtuple
from typing import Any

import numpy as np
import pytest

from oracle.processes import codec
from oracle.processes.codec import MAX_DEPTH, MAX_PARTS, CodecError, Foreign, decode, encode
from oracle.tests.test_codec import same, through, with_header


class Tensor:
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.arange(3.0)


class Failing(Tensor):
    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise SystemExit


class Disguised:
    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        raise SystemExit


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(1.5), np.array(1.5, np.float32)),
        (np.float64(1.5), np.array(1.5)),
        (np.zeros((1, 2)).view(np.matrix), np.zeros((1, 2))),
        (np.ma.array([1, 2], mask=[False, True]), np.array([1, 2])),
        (Tensor(), np.arange(3.0)),
    ],
)
def test_array_likes_become_arrays(value: Any, expected: np.ndarray) -> None:
    first, second, third = decode(bytearray(encode([value, value, expected])))
    assert same(first, expected)
    assert first is second
    assert same(third, expected)


def test_anything_else_is_foreign() -> None:
    for value, name in [
        ({1}, "set"),
        (1j, "complex"),
        (np.array([None]), "numpy.ndarray of object"),
        (np.array("text"), "numpy.ndarray of <U4"),
        (np.str_("text"), "numpy.str_"),
        (Failing(), f"{__name__}.Failing"),
        (Disguised(), f"{__name__}.Disguised"),
    ]:
        assert through([value]) == [Foreign(name)]


def test_a_key_that_is_no_plain_value_is_foreign() -> None:
    assert through({(1, 2): 3}) == {Foreign("tuple"): 3}


def test_named_tuples_become_tuples_and_other_subclasses_their_base() -> None:
    Cache = namedtuple("Cache", "a c")

    class Endless(list[Any]):
        def __iter__(self) -> Any:
            while True:
                yield 0

    assert same(through([Cache(1, 2.0), Endless([3])]), [(1, 2.0), [3]])


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def doubled(times: int) -> Any:
    value: Any = []
    for _ in range(times):
        value = [value, value]
    return value


def test_depth_and_size_have_limits_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MAX_BYTES", 2**20)
    assert same(through(nested(MAX_DEPTH)), nested(MAX_DEPTH))
    for value, message in [
        ([0] * (MAX_PARTS + 1), "has more than 1000000 parts"),
        (doubled(30), "has more than 1000000 parts"),
        (np.broadcast_to(np.zeros(1), 2**45), "takes more than 1 MiB"),
        ([np.zeros(2**16), np.zeros(2**16 + 1)], "takes more than 1 MiB"),
        ("a" * 2**20, "takes more than 1 MiB"),
        (10**5000, "has an integer of thousands of digits"),
    ]:
        with pytest.raises(CodecError, match=message):
            encode(value)
    array = np.zeros(2**17 + 1)
    assert same(decode(bytearray(encode(array, 2 * array.nbytes))), array)
    deep: list[Any] = [["l"], *(["l", n] for n in range(MAX_DEPTH))]
    wide: list[Any] = [["t"], *(["l", n, n] for n in range(30))]
    for containers in (deep, wide):
        with pytest.raises(CodecError, match="has more than 1000000 parts, or is nested more than 32 deep"):
            decode(with_header([len(containers) - 1, [], [], containers]))
    monkeypatch.setattr(codec, "MAX_PARTS", 1000)
    for unused in ([["l"]] * 4000, [["l", *([0] * 8000)]], [["l", [{}] * 4000]]):
        with pytest.raises(CodecError, match="has more than 1000 parts"):
            decode(with_header([0, [], [], [*unused, ["l"]]]))
    monkeypatch.setattr(codec, "MAX_BYTES", 2**19)
    with pytest.raises(CodecError, match="takes more than"):
        decode(with_header(["a" * 2**19, [], [], []]))


def test_what_is_nested_too_deep_becomes_a_leaf_there_alone() -> None:
    shared = {"W": np.zeros(2)}
    caches: Any = ()
    for step in range(3 * MAX_DEPTH):
        caches = (caches, (step, shared))
    value = through(caches)
    assert same(value[1], (3 * MAX_DEPTH - 1, shared))
    depth = 0
    while isinstance(value, tuple):
        depth, value = depth + 1, value[0]
    assert (depth, value) == (MAX_DEPTH, Foreign("tuple nested more than 32 deep"))
