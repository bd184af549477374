"""Files of Keras: `.weights.h5`, `.h5`, and `.keras`, a zip with one of these in it."""

import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.contents import Contents, Tensor, tensor
from oracle.checkpoints.error import CheckpointError, optional


def read_h5(path: Path) -> Contents:
    """Every data set by its path."""
    h5py = optional("h5py")
    with h5py.File(path, "r") as file:
        return _contents(h5py, file)


def read_keras(path: Path) -> Contents:
    """The same of the file that is in it."""
    h5py = optional("h5py")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "model.weights.h5" not in names:
            raise CheckpointError("it has no model.weights.h5 in it, as files of Keras 3 have")
        with h5py.File(BytesIO(archive.read("model.weights.h5")), "r") as file:
            return _contents(h5py, file)


def _contents(h5py: Any, file: Any) -> Contents:
    """The layers of a group `layers` go by their own names, which Keras writes beside their variables."""
    tensors: dict[str, Tensor] = {}
    layers = file.get("layers")
    named = {
        key: str(group["vars"].attrs.get("name", key)) if "vars" in group else key
        for key, group in (layers.items() if isinstance(layers, h5py.Group) else ())
    }

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu":
            if item.external or item.is_virtual:
                raise CheckpointError(f"{path} is kept in another file, which is not read")
            top, _, rest = path.partition("/")
            key, _, inner = rest.partition("/")
            name = f"{named[key]}/{inner}" if top == "layers" and key in named else path
            tensors[name] = tensor(np.asarray(item[()]))

    file.visititems(visit)
    return Contents(tensors)
