"""Encodes values as a header in JSON and a payload of array bytes, and decodes them.

A value is a tree of tuple, list, dict, None, bool, int, float, str, `numpy.ndarray` and `Foreign`. Decoding
never runs code: it returns such a value or raises `CodecError`.

The header is `[tree, groups, converted]`. All arrays of one dtype and shape are a group `[code, shape,
count]`, and one block of the payload. In the tree, a number k from 0 up stands for the next array of
group k. A negative number `~n` stands for the n-th array or container so far, so that an object that occurs
many times, such as `parameters` in the caches, is encoded once. null, true, 1.5 and "text" stand for
themselves. The first entry of a list is its type: `t`uple, `l`ist, `d`ict, `i`nt or `f`oreign.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy import asarray, dtype, generic, ndarray, uint8

MAX_DEPTH = 32
MAX_NODES = 1_000_000
"""The most nodes of a tree; a node that is referred to twice counts twice."""
MAX_BYTES = 2**28
ALIGNMENT = 16
"""Every block of the payload begins at a multiple of this many bytes."""

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


def encode(value: Any) -> tuple[bytes, list[bytes]]:
    """The header and the blocks of the payload.

    Named tuples become tuples. Array-likes become plain arrays of native byte order; `converted` lists the
    names of their types. A container inside itself becomes `Foreign("itself")`, one that is nested too deep
    `Foreign("tuple nested more than 32 deep")`, and any other object a `Foreign`.

    Raises `CodecError` if the value is too large.
    """
    encoder = _Encoder()
    tree = encoder.node(value, 0)
    groups, blocks = encoder.groups()
    try:
        header = _dumps([tree, groups, list(encoder.converted)]).encode("ascii")
    except ValueError:  # more than 4300 digits
        raise CodecError("has an integer of thousands of digits") from None
    if max(len(header), sum(map(len, blocks))) > MAX_BYTES:
        raise CodecError(_TOO_LARGE)
    return header, blocks


def decode(header: bytes, payload: bytearray) -> tuple[Any, list[str]]:
    """The value, its arrays writable, and the names of the types converted to arrays.

    Raises `CodecError` if no value is encoded like this.
    """
    try:
        tree, groups, converted = _loads(header.decode("ascii"))
        value = _Decoder(_arrays(groups, payload)).node(tree, 0)
        if type(converted) is not list or not all(type(name) is str for name in converted):
            raise CodecError("no list of type names")
    except CodecError:
        raise
    except (
        ValueError,
        TypeError,
        LookupError,
        StopIteration,
        OverflowError,
        MemoryError,
        RecursionError,
    ) as error:
        raise CodecError(f"not an encoding: {error}") from None
    return value, converted


class _Walk:
    """Counts the visited nodes, and the nodes inside each completed object."""

    def __init__(self) -> None:
        self.nodes = 0
        self.sizes: list[int] = []

    def enter(self, size: int, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise CodecError(f"is nested more than {MAX_DEPTH} deep")
        start = self.nodes
        self.walk(size)
        return start

    def walk(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise CodecError(f"has more than {MAX_NODES} parts")


class _Encoder(_Walk):
    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[int, Any] = {}  # the reference to each object, by id
        self.arrays: dict[tuple[dtype[Any], Sequence[int]], tuple[int, list[Any]]] = {}
        self.converted: dict[str, None] = {}

    def node(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is ndarray:
            return self.array(value)
        if kind in _LEAVES:
            return value
        if kind is int:
            return ["i", value]
        # By type, because __class__ may be a property that runs code of the target.
        if issubclass(kind, tuple):
            return self.container("t", value, tuple.__iter__(value), tuple.__len__(value), depth)
        if issubclass(kind, list):
            return self.container("l", value, list.__iter__(value), list.__len__(value), depth)
        if issubclass(kind, dict):
            parts = [part for key, item in dict.items(value) for part in (_plain_key(key), item)]
            return self.container("d", value, parts, len(parts), depth)
        if issubclass(kind, (ndarray, generic)) or hasattr(kind, "__array__"):
            return self.array_like(value)
        return ["f", _name(value)]

    def container(self, tag: str, value: Any, parts: Iterable[Any], size: int, depth: int) -> list[Any]:
        if depth >= MAX_DEPTH:  # not put into `seen`, since it may occur again at less depth
            return ["f", f"{_name(value)} nested more than {MAX_DEPTH} deep"]
        start = self.enter(size, depth)
        seen = self.seen
        seen[id(value)] = _ITSELF
        node: list[Any] = [tag]
        for part in parts:
            known = seen.get(id(part))
            if known is None:
                known = self.array(part) if type(part) is ndarray else self.node(part, depth + 1)
            elif known is not _ITSELF:
                self.walk(self.sizes[~known])
            node.append(known)
        self.sizes.append(self.nodes - start)
        seen[id(value)] = -len(self.sizes)
        return node

    def array(self, array: Any) -> Any:
        key = (array.dtype, array.shape)
        group = self.arrays.get(key)
        if group is None:
            if array.dtype.char not in _DTYPES:
                return ["f", f"numpy.ndarray of {array.dtype}"[:100]]
            group = self.arrays[key] = (len(self.arrays), [])
        group[1].append(array)
        self.sizes.append(0)
        self.seen[id(array)] = -len(self.sizes)
        return group[0]

    def array_like(self, value: Any) -> Any:
        try:
            array = asarray(value)
        except BaseException:  # __array__ is code of the target
            array = None
        if type(array) is not ndarray or array.dtype.char not in _DTYPES:
            return ["f", _name(value)]
        self.converted[_name(value)] = None
        node = self.array(array)
        self.seen[id(value)] = self.seen[id(array)]
        return node

    def groups(self) -> tuple[list[Any], list[bytes]]:
        groups: list[Any] = []
        blocks: list[bytes] = []
        size = 0
        for (kind, shape), (_, arrays) in self.arrays.items():
            size += len(arrays) * arrays[0].nbytes
            if size > MAX_BYTES:
                raise CodecError(_TOO_LARGE)
            if not kind.isnative:
                arrays = [array.astype(kind.newbyteorder("=")) for array in arrays]
            block = b"".join([array.tobytes() for array in arrays])
            blocks += block, bytes(-len(block) % ALIGNMENT)
            groups.append([kind.char, shape, len(arrays)])
        return groups, blocks


def _plain_key(key: Any) -> Any:
    return key if type(key) in _LEAVES or type(key) is int else Foreign(_name(key))


def _name(value: Any) -> str:
    kind = type(value)
    if kind is Foreign:
        return str(value.type_name)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")[:100]


def _arrays(groups: Any, payload: bytearray) -> list[Iterator[Any]]:
    """The arrays of each group."""
    arrays = []
    offset = 0
    for code, shape, count in groups:
        block: Any = ndarray((count, *shape), _DTYPES[code], payload, offset)
        offset += block.nbytes + -block.nbytes % ALIGNMENT
        if code == "?":
            block = block.view(uint8) != 0  # NumPy requires booleans to be 0 or 1
        arrays.append(iter(block if shape else [block[i, ...] for i in range(count)]))
    if offset != len(payload):
        raise CodecError("more payload than arrays")
    return arrays


class _Decoder(_Walk):
    def __init__(self, arrays: list[Iterator[Any]]) -> None:
        super().__init__()
        self.arrays = arrays
        self.values: list[Any] = []

    def node(self, node: Any, depth: int) -> Any:
        kind = type(node)
        value: Any
        if kind is int:
            if node < 0:
                self.walk(self.sizes[~node])
                return self.values[~node]
            value = next(self.arrays[node])
            self.sizes.append(0)
            self.values.append(value)
            return value
        if kind in _LEAVES:
            return node
        if kind is not list:
            raise CodecError("a JSON object")
        tag = node[0]
        if tag == "i" and type(node[1]) is int:
            return node[1]
        if tag == "f" and type(node[1]) is str:
            return Foreign(node[1])
        start = self.enter(len(node) - 1, depth)
        parts = [self.node(part, depth + 1) for part in node[1:]]
        if tag == "t":
            value = tuple(parts)
        elif tag == "l":
            value = parts
        elif tag == "d" and len(parts) % 2 == 0:
            value = dict(zip(parts[::2], parts[1::2]))
        else:
            raise CodecError("an unknown tag, or a key without a value")
        self.sizes.append(self.nodes - start)
        self.values.append(value)
        return value
