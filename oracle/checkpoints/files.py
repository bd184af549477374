"""Reading a file by its suffix."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from oracle.checkpoints.contents import Contents, tensor
from oracle.checkpoints.error import CheckpointError, shortened
from oracle.checkpoints.of_keras import read_h5, read_keras
from oracle.checkpoints.of_onnx import read_onnx
from oracle.checkpoints.of_torch import read_safetensors, read_state_dict


def read_npz(path: Path) -> Contents:
    """Every array of the file; those of objects are refused, for they would be unpickled."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        return Contents({name: tensor(file[name]) for name in file.files})


READERS: Mapping[str, Callable[[Path], Contents]] = {
    ".safetensors": read_safetensors,
    ".pt": read_state_dict,
    ".pth": read_state_dict,
    ".bin": read_state_dict,
    ".ckpt": read_state_dict,
    ".npz": read_npz,
    ".onnx": read_onnx,
    ".h5": read_h5,
    ".hdf5": read_h5,
    ".keras": read_keras,
}
"""By suffix."""


def read(path: Path) -> Contents:
    """What is in a file. `CheckpointError` where there is none, or it cannot be read."""
    if not path.is_file():
        raise CheckpointError("it is a directory, not a file" if path.is_dir() else "there is no such file")
    if path.suffix.lower() not in READERS:
        raise CheckpointError(f"its suffix is none of {', '.join(READERS)}")
    try:
        return READERS[path.suffix.lower()](path)
    except CheckpointError:
        raise
    except Exception as error:  # of libraries that read what anybody may have written
        why = shortened(error, 120) or type(error).__name__
        raise CheckpointError(f"it is cut short, or no {path.suffix} file: {why}") from None
