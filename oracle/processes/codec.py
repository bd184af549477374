"""Encodes values as bytes, and decodes them.

A value is a tree of tuple, list, dict, None, bool, int, float, str, `numpy.ndarray` and `Foreign`. Decoding
never runs code: it returns a value of these types or raises `CodecError`.

The bytes are the length of a header, the header in JSON, and a block of numbers for each group of arrays. The
header is `[value, groups, order, containers]`:

- A group `[code, shape, count]` has all arrays of one dtype and shape. `order` has the group of each array.
- A container is `[type, *parts]`, with the type "t" (tuple), "l" (list) or "d" (dict). The parts of a dict
  are its keys and values in turn. A container comes after the containers that are its parts.
- In `value` and in parts, a number n >= 0 means the n-th container, and `~n` the n-th array. So an object
  that occurs many times, such as `parameters` in the caches, is encoded once. `["i", 5]` is an int,
  `["f", name]` a `Foreign`, and null, true, 1.5 and "text" mean what they mean in JSON.
"""

import json
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Optional, Union

from numpy import asarray, dtype, generic, ndarray, uint8

MAX_DEPTH = 32
MAX_PARTS = 1_000_000
"""The most parts of a value; a container that occurs twice counts twice."""
MAX_BYTES = 2**28
"""The most bytes of the header, and by default also of all arrays together."""

_ALIGNMENT = 16
"""Every block begins at a multiple of this many bytes."""
_LENGTH_BYTES = 8
"""The number of bytes that hold the length of the header."""
_DTYPES = {code: dtype(code) for code in "?bhilqBHILQefdgFDG"}
_LEAF_TYPES = frozenset((type(None), bool, float, str))
_CYCLE = ["f", "itself"]

# Bound here, before a target can change the module json.
_dumps = json.JSONEncoder(separators=(",", ":")).encode
_loads = json.JSONDecoder().decode


class CodecError(ValueError):
    """A value cannot be encoded, or bytes cannot be decoded; the message says why."""


@dataclass(frozen=True)
class Foreign:
    """Stands for an object of another type, such as a set or an open file."""

    type_name: str


def encode(value: Any, max_bytes: Optional[int] = None) -> bytes:
    """Return the bytes of a value, whose arrays together may take `max_bytes` (default: `MAX_BYTES`).

    Named tuples become tuples, and array-likes become arrays in the machine's byte order. A container inside
    itself becomes `Foreign("itself")`. A container that is nested too deep becomes `Foreign("tuple nested
    more than 32 deep")`. An object of any other type becomes a `Foreign`, too.

    Raises `CodecError` if the value is too large.
    """
    encoder = _Encoder()
    tree = encoder.encoded(value, 0)
    groups, blocks = encoder.blocks(MAX_BYTES if max_bytes is None else max_bytes)
    try:
        header = _dumps([tree, groups, encoder.order, encoder.containers]).encode()
    except ValueError:  # more than 4300 digits
        raise CodecError("has an integer of thousands of digits") from None
    _check_size(header)
    return b"".join([len(header).to_bytes(_LENGTH_BYTES, "little"), header, *blocks])


def decode(data: bytearray) -> Any:
    """Return the value that is encoded as `data`; its arrays are writable.

    Raises `CodecError` if `data` is not the encoding of a value.
    """
    try:
        end = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
        header = data[_LENGTH_BYTES:end]
        _check_size(header)
        tree, groups, order, containers = _loads(header.decode("ascii"))
        return _decoded_value(tree, _decoded_arrays(groups, order, data[end:]), containers)
    except Exception as error:  # json and NumPy raise errors of many types
        raise CodecError(f"not an encoding: {error}") from None


def _check_size(header: Union[bytes, bytearray]) -> None:
    """Raise `CodecError` if decoding the header would take too much memory, even for unused parts."""
    if len(header) > MAX_BYTES:
        raise CodecError(f"takes more than {MAX_BYTES // 2**20} MiB")
    if sum(map(header.count, (b"[", b"{", b","))) > 8 * MAX_PARTS:  # a matrix of its own shape has 8
        raise CodecError(f"has more than {MAX_PARTS} parts")


class _Encoder:
    def __init__(self) -> None:
        self.order: list[int] = []
        self.containers: list[list[Any]] = []
        self._groups: dict[Any, tuple[int, list[Any]]] = {}  # group number and arrays, by dtype and shape
        self._known: dict[int, Any] = {}  # the encoding of each array and container, by id
        self._sizes: list[int] = []  # the number of parts of each container, nested parts included
        self._part_count = 0

    def encoded(self, value: Any, depth: int) -> Any:
        """Return the JSON value for a part that is nested `depth` deep."""
        kind = type(value)
        if kind in _LEAF_TYPES:
            return value
        encoding = self._known.get(id(value))
        if encoding is not None:
            if type(encoding) is int and encoding >= 0:
                self._count(self._sizes[encoding])
            return encoding
        if kind is ndarray:
            return self._array(value)
        if kind is int:
            return ["i", value]
        # isinstance would read __class__, which may be a property that runs code of the target.
        if issubclass(kind, tuple):
            return self._container("t", value, [*tuple.__iter__(value)], depth)
        if issubclass(kind, list):
            return self._container("l", value, [*list.__iter__(value)], depth)
        if issubclass(kind, dict):
            parts = [part for key, item in dict.items(value) for part in (_plain_key(key), item)]
            return self._container("d", value, parts, depth)
        if issubclass(kind, (ndarray, generic)) or hasattr(kind, "__array__"):
            return self._array_like(value)
        return ["f", _type_name(value)]

    def _container(self, tag: str, value: Any, parts: list[Any], depth: int) -> Any:
        if depth >= MAX_DEPTH:  # not stored in `_known`: the container may occur again at less depth
            return ["f", f"{_type_name(value)} nested more than {MAX_DEPTH} deep"]
        start = self._part_count
        self._count(len(parts))
        self._known[id(value)] = _CYCLE
        self.containers.append([tag, *[self.encoded(part, depth + 1) for part in parts]])
        self._sizes.append(self._part_count - start)
        self._known[id(value)] = len(self._sizes) - 1
        return self._known[id(value)]

    def _count(self, parts: int) -> None:
        self._part_count += parts
        if self._part_count > MAX_PARTS:
            raise CodecError(f"has more than {MAX_PARTS} parts")

    def _array(self, array: Any) -> Any:
        kind = (array.dtype, array.shape)
        if kind not in self._groups:
            if array.dtype.char not in _DTYPES:
                return ["f", f"numpy.ndarray of {array.dtype}"[:100]]
            self._groups[kind] = (len(self._groups), [])
        group, arrays = self._groups[kind]
        arrays.append(array)
        self.order.append(group)
        self._known[id(array)] = -len(self.order)
        return -len(self.order)

    def _array_like(self, value: Any) -> Any:
        try:
            array = asarray(value)
        except BaseException:  # __array__ is code of the target
            array = None
        if type(array) is not ndarray or array.dtype.char not in _DTYPES:
            return ["f", _type_name(value)]
        self._known[id(value)] = self._array(array)
        return self._known[id(value)]

    def blocks(self, max_bytes: int) -> tuple[list[Any], list[bytes]]:
        """Return the groups and their padded blocks. Raises `CodecError` if the arrays are too large."""
        groups: list[Any] = []
        blocks: list[bytes] = []
        size = 0
        for (kind, shape), (_, arrays) in self._groups.items():
            size += len(arrays) * arrays[0].nbytes
            if size > max_bytes:
                raise CodecError(f"takes more than {max_bytes // 2**20} MiB")
            if not kind.isnative:
                arrays = [array.astype(kind.newbyteorder("=")) for array in arrays]
            block = b"".join([array.tobytes() for array in arrays])
            blocks += block, bytes(-len(block) % _ALIGNMENT)
            groups.append([kind.char, shape, len(arrays)])
        return groups, blocks


def _plain_key(key: Any) -> Any:
    return key if type(key) in _LEAF_TYPES or type(key) is int else Foreign(_type_name(key))


def _type_name(value: Any) -> str:
    kind = type(value)
    if kind is Foreign:
        return str(value.type_name)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")[:100]


def _decoded_arrays(groups: Any, order: Any, data: bytearray) -> list[Any]:
    """The arrays as views of `data`, in the order in which they were encoded."""
    blocks, offset = [], 0
    for code, shape, count in groups:
        block: Any = ndarray((count, *shape), _DTYPES[code], data, offset)
        offset += block.nbytes + -block.nbytes % _ALIGNMENT
        if code == "?":
            block = block.view(uint8) != 0  # a byte other than 0 or 1 is no valid NumPy bool
        blocks.append(iter(block if shape else map(block.__getitem__, zip(range(count), repeat(...)))))
    if offset != len(data) or len(order) > MAX_PARTS:
        raise CodecError("more bytes than arrays")
    return [next(blocks[group]) for group in order]


def _decoded_value(tree: Any, arrays: list[Any], containers: Any) -> Any:
    values: list[Any] = []
    sizes: list[int] = []
    depths: list[int] = []

    def value_of(part: Any) -> Any:
        kind = type(part)
        if kind is int:
            return values[part] if part >= 0 else arrays[~part]
        if kind in _LEAF_TYPES:
            return part
        tag, content = part
        if (tag, type(content)) not in (("i", int), ("f", str)):
            raise CodecError("an unknown leaf")
        return content if tag == "i" else Foreign(content)

    for tag, *parts in containers:
        contents = [*map(value_of, parts)]
        inner = [part for part in parts if type(part) is int and part >= 0]
        sizes.append(len(parts) + sum([sizes[part] for part in inner]))
        depths.append(1 + max([depths[part] for part in inner], default=0))
        if sizes[-1] > MAX_PARTS or depths[-1] > MAX_DEPTH:
            raise CodecError(f"has more than {MAX_PARTS} parts, or is nested more than {MAX_DEPTH} deep")
        if tag == "d" and len(contents) % 2 == 0:
            values.append(dict(zip(contents[::2], contents[1::2])))
        elif tag in ("t", "l"):
            values.append(tuple(contents) if tag == "t" else contents)
        else:
            raise CodecError("an unknown tag, or a key without a value")
    return value_of(tree)
