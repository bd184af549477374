"""What the readers of all kinds of files share: tensors and errors."""

import importlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reference.contract import Array

FLOATS_16 = ("float16", "bfloat16")
"""The dtypes whose numbers become float32, which is exact."""
FLOATS = (*FLOATS_16, "float32", "float64")


@dataclass(frozen=True)
class Tensor:
    """A tensor in a file.

    If its dtype is not in `FLOATS`, only the shape of the array is used: its numbers may be placeholders.
    """

    array: Array
    dtype: str  # in the file


@dataclass
class Contents:
    """What a reader finds in a file."""

    tensors: dict[str, Tensor] = field(default_factory=dict)  # by name
    activations: dict[str, str] = field(default_factory=dict)  # by the prefix of the layer
    remarks: dict[str, list[str]] = field(default_factory=dict)  # by the prefix of the layer
    skipped: list[str] = field(default_factory=list)  # sentences about recurrent data that is not read


def tensor(array: Array) -> Tensor:
    """Return the tensor of a NumPy array, with native byte order; 16-bit numbers become float32."""
    wide = np.dtype(np.float32) if array.dtype.name in FLOATS_16 else array.dtype.newbyteorder("=")
    return Tensor(np.asarray(array, dtype=wide), array.dtype.name)


class CheckpointError(ValueError):
    """A file cannot be read, or has no layers that can be found, judged or compared.

    The message is one line. Unprintable characters are escaped, since names in the file may have some.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def printable(text: str, length: int = 5000) -> str:
    """Return the text in one line, with unprintable characters escaped, and cut to about this length."""
    end = "…" if len(text) > length else ""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text[:length]) + end


def shorten(text: object, length: int = 200) -> str:
    """Return the first paragraph of a message in one line, cut to a length."""
    line = " ".join(str(text).split("\n\n")[0].split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def import_optional(package: str) -> Any:
    """Import a package. If it is missing, raise a `CheckpointError` that says how to install it."""
    try:
        return importlib.import_module(package)
    except ImportError:
        name = package.partition(".")[0]
        raise CheckpointError(f"this kind of file needs the package {name}: pip install {name}") from None
