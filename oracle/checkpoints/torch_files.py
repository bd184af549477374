"""Reads files of `torch.save` and safetensors. Torch makes only tensors and plain containers of a pickle."""

import pickle
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.contents import (
    FLOATS,
    FLOATS_16,
    CheckpointError,
    Contents,
    Tensor,
    import_optional,
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
