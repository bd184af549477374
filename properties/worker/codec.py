"""Encodes values as bytes, and decodes them.

A value is a tree of tuple, list, dict, None, bool, int, float, str, `numpy.ndarray` and `Foreign`. Decoding
never runs code: it returns such a value or raises `CodecError`.

The bytes are the length of a header, the header in JSON, and the bytes of arrays. The header is `[value,
groups, order, containers]`. All arrays of one dtype and shape are a group `[code, shape, count]`, and one
block of bytes; `order` has the group of each array. A container is its type, `t`uple, `l`ist or
`d`ict, and its parts; the containers in it come before it. In `value` and among the parts, a number n from 0
up stands for the n-th container, and `~n` for the n-th array, so that an object that occurs many times, such
as `parameters` in the caches, is encoded once. null, true, 1.5 and "text" stand for themselves, `["i", 5]`
for an integer, and `["f", name]` for a `Foreign`.
"""

import json
from dataclasses import dataclass
from typing import Any

from numpy import asarray, dtype, generic, ndarray, uint8

MAX_DEPTH = 32
MAX_NODES = 1_000_000
"""The most parts of a value; a container that is referred to twice counts twice."""
MAX_BYTES = 2**28
"""The most bytes of the header, and of all arrays."""

_ALIGNMENT = 16
"""Every block begins at a multiple of this many bytes."""
_LENGTH = 8
"""The bytes of the length of the header."""
_DTYPES = {code: dtype(code) for code in "?bhilqBHILQefdgFDG"}
_LEAVES = frozenset((type(None), bool, float, str))
_ITSELF = ["f", "itself"]
_TOO_LARGE = f"takes more than {MAX_BYTES // 2**20} MiB"

# Bound now, because a target may change the module json.
_dumps = json.JSONEncoder(separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


class CodecError(ValueError):
    """A value cannot be encoded ("takes more than 256 MiB"), or bytes cannot be decoded."""


@dataclass(frozen=True)
class Foreign:
    """Stands for an object of another type, such as a set or an open file."""

    type_name: str


def encode(value: Any) -> bytes:
    """The bytes of a value.

    Named tuples become tuples, and array-likes plain arrays of native byte order. A container inside itself
    becomes `Foreign("itself")`, one that is nested too deep `Foreign("tuple nested more than 32 deep")`, and
    any other object a `Foreign`.

    Raises `CodecError` if the value is too large.
    """
    encoder = _Encoder()
    tree = encoder.part(value, 0)
    groups, blocks = encoder.blocks()
    try:
        header = _dumps([tree, groups, encoder.order, encoder.containers]).encode()
    except ValueError:  # more than 4300 digits
        raise CodecError("has an integer of thousands of digits") from None
    if len(header) > MAX_BYTES:
        raise CodecError(_TOO_LARGE)
    return b"".join([len(header).to_bytes(_LENGTH, "little"), header, *blocks])


def decode(data: bytearray) -> Any:
    """The value; its arrays are writable.

    Raises `CodecError` if no value is encoded like this.
    """
    try:
        end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
        tree, groups, order, containers = _loads(data[_LENGTH:end].decode("ascii"))
        return _decoded(tree, _arrays(groups, order, data[end:]), containers)
    except CodecError:
        raise
    except (
        *(ValueError, TypeError, LookupError, StopIteration),
        *(OverflowError, MemoryError, RecursionError),
    ) as error:
        raise CodecError(f"not an encoding: {error}") from None


class _Encoder:
    def __init__(self) -> None:
        self.order: list[int] = []
        self.containers: list[list[Any]] = []
        self._groups: dict[Any, tuple[int, list[Any]]] = {}  # the number and the arrays, by dtype and shape
        self._seen: dict[int, Any] = {}  # what stands for each array and container, by id
        self._sizes: list[int] = []  # of the containers
        self._nodes = 0

    def part(self, value: Any, depth: int) -> Any:
        """What stands for a value at this depth."""
        kind = type(value)
        if kind in _LEAVES:
            return value
        known = self._seen.get(id(value))
        if known is not None:
            if type(known) is int and known >= 0:
                self._count(self._sizes[known])
            return known
        if kind is ndarray:
            return self._array(value)
        if kind is int:
            return ["i", value]
        # By type, because __class__ may be a property that runs code of the target.
        if issubclass(kind, tuple):
            return self._container("t", value, [*tuple.__iter__(value)], depth)
        if issubclass(kind, list):
            return self._container("l", value, [*list.__iter__(value)], depth)
        if issubclass(kind, dict):
            parts = [part for key, item in dict.items(value) for part in (_plain_key(key), item)]
            return self._container("d", value, parts, depth)
        if issubclass(kind, (ndarray, generic)) or hasattr(kind, "__array__"):
            return self._array_like(value)
        return ["f", _name(value)]

    def _container(self, tag: str, value: Any, parts: list[Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:  # not put into `_seen`, since it may occur again at less depth
            return ["f", f"{_name(value)} nested more than {MAX_DEPTH} deep"]
        start = self._nodes
        self._count(len(parts))
        self._seen[id(value)] = _ITSELF
        self.containers.append([tag, *[self.part(part, depth + 1) for part in parts]])
        self._sizes.append(self._nodes - start)
        self._seen[id(value)] = len(self._sizes) - 1
        return self._seen[id(value)]

    def _count(self, nodes: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise CodecError(f"has more than {MAX_NODES} parts")

    def _array(self, array: Any) -> Any:
        kind = (array.dtype, array.shape)
        if kind not in self._groups:
            if array.dtype.char not in _DTYPES:
                return ["f", f"numpy.ndarray of {array.dtype}"[:100]]
            self._groups[kind] = (len(self._groups), [])
        group, arrays = self._groups[kind]
        arrays.append(array)
        self.order.append(group)
        self._seen[id(array)] = -len(self.order)
        return -len(self.order)

    def _array_like(self, value: Any) -> Any:
        try:
            array = asarray(value)
        except BaseException:  # __array__ is code of the target
            array = None
        if type(array) is not ndarray or array.dtype.char not in _DTYPES:
            return ["f", _name(value)]
        self._seen[id(value)] = self._array(array)
        return self._seen[id(value)]

    def blocks(self) -> tuple[list[Any], list[bytes]]:
        """The groups, and their bytes with padding. Raises `CodecError` if these are too many."""
        groups: list[Any] = []
        blocks: list[bytes] = []
        size = 0
        for (kind, shape), (_, arrays) in self._groups.items():
            size += len(arrays) * arrays[0].nbytes
            if size > MAX_BYTES:
                raise CodecError(_TOO_LARGE)
            if not kind.isnative:
                arrays = [array.astype(kind.newbyteorder("=")) for array in arrays]
            block = b"".join([array.tobytes() for array in arrays])
            blocks += block, bytes(-len(block) % _ALIGNMENT)
            groups.append([kind.char, shape, len(arrays)])
        return groups, blocks


def _plain_key(key: Any) -> Any:
    return key if type(key) in _LEAVES or type(key) is int else Foreign(_name(key))


def _name(value: Any) -> str:
    kind = type(value)
    if kind is Foreign:
        return str(value.type_name)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")[:100]


def _arrays(groups: Any, order: Any, data: bytearray) -> list[Any]:
    """The arrays in their order, which are views of `data`."""
    blocks, offset = [], 0
    for code, shape, count in groups:
        block: Any = ndarray((count, *shape), _DTYPES[code], data, offset)
        offset += block.nbytes + -block.nbytes % _ALIGNMENT
        if code == "?":
            block = block.view(uint8) != 0  # NumPy requires booleans to be 0 or 1
        blocks.append(iter(block if shape else [block[i, ...] for i in range(count)]))
    if offset != len(data):
        raise CodecError("more bytes than arrays")
    return [next(blocks[group]) for group in order]


def _decoded(tree: Any, arrays: list[Any], containers: Any) -> Any:
    """The value for which `tree` stands. A container is complete before another one refers to it."""
    values: list[Any] = []
    sizes: list[int] = []
    depths: list[int] = []

    def value_of(part: Any) -> Any:
        kind = type(part)
        if kind is int:
            return values[part] if part >= 0 else arrays[~part]
        if kind in _LEAVES:
            return part
        tag, content = part
        if (tag, type(content)) not in (("i", int), ("f", str)):
            raise CodecError("an unknown leaf")
        return content if tag == "i" else Foreign(content)

    for tag, *parts in containers:
        found = [*map(value_of, parts)]
        inner = [part for part in parts if type(part) is int and part >= 0]
        sizes.append(len(parts) + sum([sizes[part] for part in inner]))
        depths.append(1 + max([depths[part] for part in inner], default=0))
        if sizes[-1] > MAX_NODES or depths[-1] > MAX_DEPTH:
            raise CodecError(f"has more than {MAX_NODES} parts, or is nested more than {MAX_DEPTH} deep")
        if tag == "d" and len(found) % 2 == 0:
            values.append(dict(zip(found[::2], found[1::2])))
        elif tag in ("t", "l"):
            values.append(tuple(found) if tag == "t" else found)
        else:
            raise CodecError("an unknown tag, or a key without a value")
    return value_of(tree)
