"""Reads files of Keras: `.weights.h5`, `.h5`, and `.keras`, a zip archive with an HDF5 file in it."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.allowance import Allowance
from oracle.checkpoints.contents import Contents, itemsize, tensor
from oracle.checkpoints.error import CheckpointError, optional


def read_h5(path: Path, allowance: Allowance) -> Contents:
    """Every data set of a file by its path."""
    h5py = optional("h5py")
    with h5py.File(path, "r") as file:
        return _contents(h5py, file, allowance)


def read_keras(path: Path, allowance: Allowance) -> Contents:
    """Every data set of the HDF5 file in an archive."""
    h5py = optional("h5py")
    with zipfile.ZipFile(path) as archive:
        inner = archive.getinfo("model.weights.h5")
        replace(allowance).unfold(inner.filename, [inner.file_size])
        with h5py.File(BytesIO(archive.read(inner)), "r") as file:
            return _contents(h5py, file, allowance)


def _contents(h5py: Any, file: Any, allowance: Allowance) -> Contents:
    """Every data set. A layer in the group `layers` gets its own name, which Keras writes as an attribute."""
    arrays: dict[str, Any] = {}
    named: dict[str, str] = {}

    def visit(path: str, item: Any) -> None:
        allowance.step(1 + len(path) // 100)
        top, _, rest = path.partition("/")
        if (
            isinstance(item, h5py.Group)
            and top == "layers"
            and rest.count("/") == 1
            and rest.endswith("/vars")
        ):
            named[rest.partition("/")[0]] = str(item.attrs.get("name", rest.partition("/")[0]))
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise CheckpointError(f"{path} is kept in another file, which is not read")
            allowance.unfold(path, item.shape or (), itemsize(item.dtype.name, item.dtype.itemsize))
            arrays[path] = item

    file.visititems(visit)
    return Contents({_renamed(path, named): tensor(np.asarray(item[()])) for path, item in arrays.items()})


def _renamed(path: str, named: Mapping[str, str]) -> str:
    top, _, rest = path.partition("/")
    key, _, inner = rest.partition("/")
    return f"{named.get(key, key)}/{inner}" if top == "layers" and inner else path
