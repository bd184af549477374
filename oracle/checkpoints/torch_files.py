"""Reads files of `torch.save` and safetensors. It needs NumPy alone, and runs no code of a file."""

import json
import pickle
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple
from zipfile import ZipFile

from oracle.checkpoints.contents import CheckpointError, Contents, stored_tensor

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The first bytes of a file of `torch.save`, from the time before it wrote zip archives."""


def read_safetensors(path: Path) -> Contents:
    """Return every tensor of the file."""
    content = memoryview(path.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    words = {"F": "float", "BF": "bfloat", "I": "int", "U": "uint"}  # of dtypes such as F32 and F8_E4M3
    tensors = {}
    for name, entry in json.loads(bytes(content[8:start])).items():
        if name != "__metadata__":
            dtype = re.sub(r"^(B?F|I|U)(?=\d)", lambda match: words[match[1]], entry["dtype"]).lower()
            begin, end = (start + offset for offset in entry["data_offsets"])
            tensors[name] = stored_tensor(partial(bytes, content[begin:end]), dtype, entry["shape"])
    return Contents(tensors)


def read_state_dict(path: Path) -> Contents:
    """Return every tensor of a state dict, or of nested mappings, whose keys are joined by dots.

    A key that contains all tensors, such as `"state_dict"`, is left out. Raises `CheckpointError` if the
    pickle asks for more than tensors and plain containers.
    """
    with path.open("rb") as file:
        read = _read_legacy if file.peek(len(LEGACY)).startswith(LEGACY) else _read_archive
        loaded, storage = read(file)
        entries = [*_entries(loaded)]
        while entries and len(entries[0][0]) > 1 and len({keys[0] for keys, _ in entries}) == 1:
            entries = [(keys[1:], value) for keys, value in entries]
        tensors = {".".join(keys): value for keys, value in entries}
        return Contents(
            {name: stored_tensor(partial(storage, each.key), *each[1:]) for name, each in tensors.items()}
        )


def _read_archive(file: IO[bytes]) -> tuple[Any, Callable[[str], bytes]]:
    """Return the unpickled value, and a function that returns the bytes of a storage by its key."""
    archive = ZipFile(file)
    (name,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
    root = name.removesuffix("data.pkl")
    if f"{root}byteorder" in archive.namelist() and archive.read(f"{root}byteorder") != b"little":
        raise CheckpointError("its numbers are in big-endian order")
    loaded = _Unpickler(BytesIO(archive.read(name))).load()
    return loaded, cache(lambda key: archive.read(f"{root}data/{key}"))


def _read_legacy(file: IO[bytes]) -> tuple[Any, Callable[[str], bytes]]:
    """Read five pickles (number, version, system, value, keys), then the storages in the order of the keys.

    Returns what `_read_archive` returns.
    """
    unpicklers = [_Unpickler(file) for _ in range(5)]
    _, _, system, loaded, keys = (each.load() for each in unpicklers)
    if not system["little_endian"]:
        raise CheckpointError("its numbers are in big-endian order")
    storages = {}
    for key in keys:
        bits = re.findall(r"\d+", unpicklers[3].dtypes[key]) or ["8"]
        storages[key] = file.read(int.from_bytes(file.read(8), "little") * int(bits[0]) // 8)
    return loaded, storages.__getitem__


def _entries(loaded: Any) -> Iterator[tuple[tuple[str, ...], "_Stored"]]:
    """Yield every tensor in nested mappings, with its keys."""
    waiting: list[tuple[tuple[str, ...], Any]] = [((), loaded)]
    while waiting:
        keys, value = waiting.pop()
        if isinstance(value, _Stored):
            yield keys, value
        elif isinstance(value, dict):
            waiting += [((*keys, str(key)), each) for key, each in reversed(value.items())]


class _Stored(NamedTuple):
    """A tensor in a pickle: the key of its storage, and the further arguments of `stored_tensor`."""

    key: str
    dtype: str
    shape: Sequence[int]
    offset: int = 0
    strides: Sequence[int] = ()


class _Unpickler(pickle.Unpickler):
    """Makes tensors and plain containers. Any other class or function that a pickle names is refused."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8")
        self.dtypes: dict[str, str] = {}  # of the storages, by key

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and _DTYPES.fullmatch(name):
            return name
        try:
            return _KNOWN[f"{module}.{name}"]
        except KeyError:
            raise CheckpointError(
                f"its pickle asks for {module}.{name}, which is no tensor, so it was refused and nothing of "
                "it was run: save the state_dict() of the module, or safetensors"
            ) from None

    def persistent_load(self, given: Any) -> tuple[str, str]:
        """Return the key and the dtype of a storage."""
        _, dtype, key, *_ = given
        self.dtypes[key] = dtype
        return key, dtype


_DTYPES = re.compile(r"bool|(b?float|u?int|complex)\d+\w*")
"""The names of torch's dtypes."""
_KNOWN: Mapping[str, Any] = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.ComplexFloatStorage": "complex64",
    "torch.ComplexDoubleStorage": "complex128",
    "torch.storage.UntypedStorage": "bytes",
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": dict,
    "__builtin__.set": set,
    "_codecs.encode": lambda text, encoding: text.encode("latin1"),  # which makes bytes
    "torch.Size": tuple,
    "torch.device": lambda name, *more: name,
    "torch.serialization._get_layout": lambda name: name,
    "torch._utils._rebuild_parameter": lambda tensor, *more: tensor,
    "torch._utils._rebuild_parameter_with_state": lambda tensor, *more: tensor,
    "torch._utils._rebuild_tensor_v2": lambda storage, offset, shape, strides, *more: _Stored(
        storage[0], storage[1], shape, offset, strides
    ),
    "torch._utils._rebuild_tensor_v3": lambda storage, offset, shape, strides, *more: _Stored(
        storage[0], more[2], shape, offset, strides
    ),
    "torch._utils._rebuild_sparse_tensor": lambda _, data: _Stored("", f"sparse {data[1].dtype}", data[2]),
    "torch._utils._rebuild_meta_tensor_no_storage": lambda dtype, shape, *more: _Stored(
        "", f"{dtype} without its numbers", shape
    ),
}
"""What takes the place of each class and function that a pickle of tensors names."""
