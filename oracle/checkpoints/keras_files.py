"""Reads files of Keras: `.weights.h5`, `.h5`, and `.keras`, a zip archive that contains an HDF5 file."""

import re
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.allowance import Allowance
from oracle.checkpoints.contents import Contents, itemsize, tensor
from oracle.checkpoints.error import CheckpointError, optional


def read_h5(path: Path, allowance: Allowance) -> Contents:
    """Every data set of a file, by its path."""
    h5py = optional("h5py")
    with h5py.File(path, "r") as file:
        return _contents(h5py, file, allowance)


def read_keras(path: Path, allowance: Allowance) -> Contents:
    """Every data set of the HDF5 file in a `.keras` archive, by its path."""
    h5py = optional("h5py")
    with zipfile.ZipFile(path) as archive:
        inner = archive.getinfo("model.weights.h5")
        replace(allowance).count_tensor(inner.filename, [inner.file_size])
        with h5py.File(BytesIO(archive.read(inner)), "r") as file:
            return _contents(h5py, file, allowance)


def _contents(h5py: Any, file: Any, allowance: Allowance) -> Contents:
    """Every data set of an open HDF5 file whose entries are numbers, by its path."""
    found: dict[str, Any] = {}

    def visit(path: str, item: Any) -> None:
        allowance.count_steps(1 + len(path) // 100)
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise CheckpointError(f"{path} is stored in another file, which is not read")
            allowance.count_tensor(path, item.shape or (), itemsize(item.dtype.name, item.dtype.itemsize))
            found[_with_own_name(file, path)] = item

    file.visititems(visit)
    return Contents({path: tensor(np.asarray(item[()])) for path, item in found.items()})


def _with_own_name(file: Any, path: str) -> str:
    """The path of a variable with the name of its layer, which Keras stores in an attribute."""
    match = re.fullmatch(r"layers/([^/]+)/(.+)", path)
    if not match:
        return path
    variables = file.get(f"layers/{match[1]}/vars")
    name = match[1] if variables is None else variables.attrs.get("name", match[1])
    return f"{name}/{match[2]}"
