"""Reads a file of weights. The suffix determines the reader, and the first bytes must fit the suffix."""

import pickle
import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from oracle.checkpoints.onnx_files import read_onnx
from oracle.checkpoints.reading import (
    FLOATS,
    FLOATS_16,
    CheckpointError,
    Contents,
    Tensor,
    import_optional,
    shorten,
    tensor,
)


def read_safetensors(path: Path) -> Contents:
    """Return every tensor of the file."""
    return _contents(import_optional("safetensors.torch").load_file(path).items())


def read_state_dict(path: Path) -> Contents:
    """Return every tensor of a state dict, or of nested mappings, whose keys are joined by dots.

    A key that contains all tensors, such as `"state_dict"`, is left out. Raises `CheckpointError` if the
    pickle asks for more than tensors and plain containers.
    """
    import torch  # which takes a second

    with path.open("rb") as file:
        if not file.peek(2).startswith((b"PK", b"\x80")):
            raise ValueError("it begins like neither a zip archive nor a pickle")
        try:
            loaded = torch.load(file, map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError) as error:
            # Torch's message recommends to load the file without `weights_only`, which runs what it asks for.
            if isinstance(error, RuntimeError) and "weights_only" not in str(error):
                raise
            asked = re.search(r"GLOBAL (\S+) (?:was not an allowed|whose module)", str(error))
            if not asked:
                why = "its pickle has other than tensors, or the protocol 4 or 5"
                raise ValueError(f"{why}: save a state_dict() by torch.save") from None
            raise CheckpointError(
                f"its pickle asks for {asked[1]}, which is no tensor, so it was refused and nothing of "
                "it was run: save the state_dict() of the module, or safetensors"
            ) from None
    entries = [*_entries(loaded)]
    while entries and len(entries[0][0]) > 1 and len({keys[0] for keys, _ in entries}) == 1:
        entries = [(keys[1:], value) for keys, value in entries]
    return _contents((".".join(keys), value) for keys, value in entries)


def _entries(loaded: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every tensor in nested mappings, with its keys."""
    import torch

    waiting: list[tuple[tuple[str, ...], Any]] = [((), loaded)]
    while waiting:
        keys, value = waiting.pop()
        if isinstance(value, torch.Tensor):
            yield keys, value
        elif isinstance(value, dict):
            waiting += [((*keys, str(key)), each) for key, each in reversed(value.items())]


def _contents(tensors: Iterable[tuple[str, Any]]) -> Contents:
    """Return torch's tensors as arrays, by name."""
    return Contents({name: _tensor(each) for name, each in tensors})


def _tensor(value: Any) -> Tensor:
    dtype = str(value.dtype).removeprefix("torch.")
    if value.is_meta:
        dtype = f"{dtype} without its numbers"
    elif str(value.layout) != "torch.strided":
        dtype = f"sparse {dtype}"
    if dtype not in FLOATS:
        return Tensor(np.broadcast_to(np.zeros((), np.int8), tuple(value.shape)), dtype)
    wide = value.float() if dtype in FLOATS_16 else value
    return Tensor(wide.numpy(force=True), dtype)


SAFETENSORS = "a .safetensors file"
TORCH = "a file of torch.save"
NPZ = "an .npz archive"
KERAS = "a .keras archive"
HDF5 = "an HDF5 file"

_MAGIC = (
    (0, b"\x89HDF\r\n\x1a\n", HDF5),
    (0, b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", TORCH),  # from before it wrote zip archives
    (0, b"\x80", "a pickle, but none of torch.save: unpickling it could run anything, so it is not read"),
    (0, b"\x93NUMPY", "an .npy file, one array without a name: save named arrays with numpy.savez"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, not the file itself: run git lfs pull"),
    (0, b"\x1f\x8b", "compressed by gzip: decompress it first"),
    (0, b"<", "a page of HTML or XML"),
    (4, b"TFL3", "a LiteRT model"),
    (257, b"ustar", "a tar archive"),
)
"""The position and the bytes by which each kind of file is recognized."""


def kind_of(path: Path) -> str:
    """Return the kind of a file in words; empty for an unknown kind, such as an ONNX model or a cut file."""
    with path.open("rb") as file:
        head = file.read(512)
    # A safetensors file begins with a number, which may look like any other kind, so it is checked first.
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < path.stat().st_size:
        return SAFETENSORS
    for at, magic, kind in _MAGIC:
        if head[at:].startswith(magic):
            return kind
    return _zip_kind(path) if head.startswith(b"PK") else ""


def _zip_kind(path: Path) -> str:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, ValueError, NotImplementedError):
        return ""
    last = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in last:
        return "a TorchScript archive, which is a program: save the state_dict() of the module"
    if "data.pkl" in last:
        return TORCH
    if "model.weights.h5" in names:
        return KERAS
    return NPZ if all(name.endswith(".npy") for name in names) else "a zip archive of something else"


def read_h5(source: Path | BytesIO) -> Contents:
    """Return the data sets with numbers in an HDF5 file, by path. Links to other files are not followed."""
    h5py = import_optional("h5py")
    data_sets: dict[str, Any] = {}
    names: dict[str, str] = {}  # of layers, which Keras stores in an attribute of their group of variables

    def visit(path: str, item: Any) -> None:
        if layer := re.fullmatch(r"layers/([^/]+)/vars", path):
            names[layer[1]] = item.attrs.get("name", layer[1])
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise CheckpointError(f"{path} is stored in another file, which is not read")
            data_sets[path] = item

    def name_of(path: str) -> str:
        match = re.fullmatch(r"layers/([^/]+)/(.+)", path)
        return f"{names.get(match[1], match[1])}/{match[2]}" if match else path

    with h5py.File(source, "r") as file:
        file.visititems(visit)
        return Contents({name_of(path): tensor(np.asarray(item[()])) for path, item in data_sets.items()})


def read_keras(path: Path) -> Contents:
    """Return the data sets of the HDF5 file in a `.keras` archive."""
    with ZipFile(path) as archive:
        return read_h5(BytesIO(archive.read("model.weights.h5")))


def read_npz(path: Path) -> Contents:
    """Return every array of a file. Raises an error for arrays of objects, which NumPy would unpickle."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return Contents({name: tensor(file[name]) for name in file.files})


_READERS: Mapping[str, tuple[Callable[[Path], Contents], Sequence[str], str]] = {
    SAFETENSORS: (read_safetensors, [".safetensors"], "safetensors.torch"),
    TORCH: (read_state_dict, [".pt", ".pth", ".bin", ".ckpt"], "torch"),
    NPZ: (read_npz, [".npz"], "numpy"),
    "an ONNX model": (read_onnx, [".onnx"], "onnx"),
    HDF5: (read_h5, [".h5", ".hdf5"], "h5py"),
    KERAS: (read_keras, [".keras"], "h5py"),
}
"""The reader and the suffixes of each kind of file, and the library that the reader imports."""
SUFFIXES = {suffix: kind for kind, (_, suffixes, _) in _READERS.items() for suffix in suffixes}
"""The suffixes, each with its kind of file."""


def read(path: Path, suffix: str) -> Contents:
    """Return the contents of a file, read as a file with this suffix.

    Raises `CheckpointError` if the file is missing, is of another kind, or cannot be read, and `MemoryError`.
    """
    if not path.is_file():
        raise CheckpointError("it is a directory, not a file" if path.is_dir() else "there is no such file")
    kind = kind_of(path)
    if suffix.lower() not in SUFFIXES:
        raise CheckpointError(f"{_kind_clause(kind)}its suffix is not one of {', '.join(SUFFIXES)}")
    expected = SUFFIXES[suffix.lower()]
    if kind not in ("", expected):
        raise CheckpointError(f"it is no {suffix} file: {_kind_clause(kind)}".removesuffix("; "))
    try:
        return _READERS[expected][0](path)
    except (CheckpointError, MemoryError):
        raise
    except Exception as error:  # libraries raise any kind of error for a broken or hostile file
        if re.search("allocate memory|bad_alloc", str(error)):
            raise MemoryError from None
        why = shorten(error, 120) or type(error).__name__
        raise CheckpointError(f"it is cut short, or no {suffix} file: {why}") from None


def library_for(suffix: str) -> str:
    """Return the library that the reader of files with this suffix imports; empty for an unknown suffix."""
    kind = SUFFIXES.get(suffix.lower())
    return _READERS[kind][2] if kind else ""


def _kind_clause(kind: str) -> str:
    """Return a clause that names the kind of a file and its usual suffix; empty for an unknown kind."""
    remedy = f", call it {_READERS[kind][1][0]}" if kind in _READERS else ""
    return f"it is {kind}{remedy}; " if kind else ""
