"""Reading a file: its suffix says what it should be, and its first bytes what it is."""

from collections.abc import Callable, Mapping
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
    """Every array of the file; those of objects are refused, for they would be unpickled."""
    with ZipFile(path) as archive:
        for name in archive.namelist():
            allowance.step()
            with archive.open(name) as member:
                shape, dtype = _header(member)
            allowance.unfold(name.removesuffix(".npy"), shape, itemsize(dtype.name, dtype.itemsize))
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return Contents({name: tensor(file[name]) for name in file.files})


def _header(member: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype of an array that is not yet read."""
    version = np.lib.format.read_magic(member)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = read[version](member)
    return shape, dtype


READERS: Mapping[str, Callable[[Path, Allowance], Contents]] = {
    SAFETENSORS: read_safetensors,
    TORCH: read_state_dict,
    NPZ: read_npz,
    ONNX: read_onnx,
    HDF5: read_h5,
    KERAS: read_keras,
}
SUFFIXES: Mapping[str, str] = {
    ".safetensors": SAFETENSORS,
    ".pt": TORCH,
    ".pth": TORCH,
    ".bin": TORCH,
    ".ckpt": TORCH,
    ".npz": NPZ,
    ".onnx": ONNX,
    ".h5": HDF5,
    ".hdf5": HDF5,
    ".keras": KERAS,
}
"""What kind of file a suffix says that it is."""


def read(path: Path, suffix: str, limit: int | None = None) -> Contents:
    """What is in a file of this suffix, which may unfold to `limit` bytes, if not to as many as usual.

    Raises `CheckpointError` where there is no such file, it is of another kind or cannot be read, or where it
    would take more memory or steps than `Allowance` has.
    """
    if not path.is_file():
        raise CheckpointError("it is a directory, not a file" if path.is_dir() else "there is no such file")
    kind = kind_of(path)
    if suffix.lower() not in SUFFIXES:
        raise CheckpointError(f"{_is(kind)}its suffix is none of {', '.join(SUFFIXES)}")
    expected = SUFFIXES[suffix.lower()]
    if kind not in ("", expected):
        raise CheckpointError(f"it is no {suffix} file: {_is(kind)}".removesuffix("; "))
    try:
        return READERS[expected](path, Allowance.of(path.stat().st_size, limit))
    except CheckpointError:
        raise
    except MemoryError:
        raise CheckpointError("there is not enough memory to read it") from None
    except Exception as error:  # of libraries that read what anybody may have written
        why = shortened(error, 120) or type(error).__name__
        raise CheckpointError(f"it is cut short, or no {suffix} file: {why}") from None


def _is(kind: str) -> str:
    """What it is, and what such a file has to be called."""
    called = [suffix for suffix, each in SUFFIXES.items() if each == kind]
    return f"it is {kind}{f', call it {called[0]}' if called else ''}; " if kind else ""
