"""Reads a file of weights. The suffix determines the reader; the first bytes must fit the suffix."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np

from oracle.checkpoints.allowance import Allowance
from oracle.checkpoints.contents import Contents, itemsize, tensor
from oracle.checkpoints.error import CheckpointError, shortened
from oracle.checkpoints.keras_files import read_h5, read_keras
from oracle.checkpoints.kinds import HDF5, KERAS, NPZ, ONNX, SAFETENSORS, TORCH, kind_of
from oracle.checkpoints.onnx_files import read_onnx
from oracle.checkpoints.torch_files import read_safetensors, read_state_dict


def read_npz(path: Path, allowance: Allowance) -> Contents:
    """Every array of a file. NumPy would unpickle arrays of objects, so they are refused."""
    with ZipFile(path) as archive:
        for name in archive.namelist():
            allowance.count_steps()
            with archive.open(name) as member:
                shape, dtype = _header(member)
            allowance.count_tensor(name.removesuffix(".npy"), shape, itemsize(dtype.name, dtype.itemsize))
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return Contents({name: tensor(file[name]) for name in file.files})


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype of an array, from its header."""
    version = np.lib.format.read_magic(member)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[version](member)
    return shape, dtype


_READERS: Mapping[str, tuple[Callable[[Path, Allowance], Contents], Sequence[str]]] = {
    SAFETENSORS: (read_safetensors, [".safetensors"]),
    TORCH: (read_state_dict, [".pt", ".pth", ".bin", ".ckpt"]),
    NPZ: (read_npz, [".npz"]),
    ONNX: (read_onnx, [".onnx"]),
    HDF5: (read_h5, [".h5", ".hdf5"]),
    KERAS: (read_keras, [".keras"]),
}
"""The reader and the suffixes of each kind of file."""
SUFFIXES = {suffix: kind for kind, (_, suffixes) in _READERS.items() for suffix in suffixes}
"""The suffixes, each with its kind of file."""


def read(path: Path, suffix: str, limit: int | None = None) -> Contents:
    """The contents of a file, read as a file with this suffix.

    The tensors may take `limit` bytes of memory, or without a limit the bytes of `Allowance.of`. Raises
    `CheckpointError` if the file is missing, is of another kind, cannot be read, or needs more memory or
    steps than allowed.
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
        return _READERS[expected][0](path, Allowance.of(path.stat().st_size, limit))
    except CheckpointError:
        raise
    except MemoryError:
        raise CheckpointError("there is not enough memory to read it") from None
    except Exception as error:  # libraries raise many kinds on a file that anybody may have written
        why = shortened(error, 120) or type(error).__name__
        raise CheckpointError(f"it is cut short, or no {suffix} file: {why}") from None


def _kind_clause(kind: str) -> str:
    """A clause that names the kind of a file and the suffix of this kind; empty for an unknown kind."""
    called = f", call it {_READERS[kind][1][0]}" if kind in _READERS else ""
    return f"it is {kind}{called}; " if kind else ""
