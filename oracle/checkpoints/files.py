"""Reads a file of weights. The suffix determines the reader, and the first bytes must fit the suffix."""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np

from oracle.checkpoints.contents import CheckpointError, Contents, import_optional, shorten, tensor
from oracle.checkpoints.onnx_files import read_onnx
from oracle.checkpoints.torch_files import read_safetensors, read_state_dict

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
