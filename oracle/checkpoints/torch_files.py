"""Reads and writes files of PyTorch and safetensors with torch, which has all dtypes of these files.

The functions import torch themselves, since this import takes a second.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oracle.checkpoints.contents import (
    FLOATS,
    FLOATS_16,
    Allowance,
    CheckpointError,
    Contents,
    Tensor,
    import_optional,
)
from reference.contract import Array

if TYPE_CHECKING:
    import torch


def read_safetensors(path: Path, allowance: Allowance) -> Contents:
    """Return every tensor of the file."""
    safetensors = import_optional("safetensors")
    with safetensors.safe_open(path, framework="pt") as file:
        names = [*file.keys()]
        for name in names:
            allowance.count_steps()
            header = file.get_slice(name)
            allowance.count_tensor(name, header.get_shape(), _itemsize(header.get_dtype()))
        return Contents({name: _tensor(file.get_tensor(name)) for name in names})


def _itemsize(dtype: str) -> int:
    """Return the bytes that a number of a safetensors dtype, such as `F32` or `F8_E4M3`, takes in memory."""
    (bits,) = re.findall(r"\d+", dtype.partition("_")[0]) or ["8"]
    return max(4, int(bits) // 8)


def read_state_dict(path: Path, allowance: Allowance) -> Contents:
    """Return every tensor of a state dict, or of nested mappings, whose keys are joined by dots.

    A key that contains all tensors, such as `"state_dict"`, is left out. `torch.load` unpickles only tensors
    and plain containers. It refuses all other objects without running their code.
    """
    import torch

    for pickled in _pickles(path, allowance):
        if b"bytearray\n" in pickled:  # torch lets a pickle make a bytearray of any size
            raise CheckpointError(_refusal("bytearray"))
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(_cause(str(error))) from None
    entries = [*_entries(loaded, allowance)]
    while entries and len(entries[0][0]) > 1 and len({keys[0] for keys, _ in entries}) == 1:
        entries = [(keys[1:], value) for keys, value in entries]
    tensors = {".".join(keys): value for keys, value in entries}
    for name, value in tensors.items():
        allowance.count_tensor(name, value.shape, value.element_size(), _dtype(value))
    return Contents({name: _tensor(value) for name, value in tensors.items()})


def _pickles(path: Path, allowance: Allowance) -> Iterator[bytes]:
    """Yield the pickles of a file. Unpacked sizes are checked, since torch also reads compressed archives."""
    if not zipfile.is_zipfile(path):
        yield path.read_bytes()
        return
    with zipfile.ZipFile(path) as archive:
        replace(allowance).count_tensor("its archive", [sum(each.file_size for each in archive.infolist())])
        for name in archive.namelist():
            if name.endswith(".pkl"):
                yield archive.read(name)


def state_dict_of(arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a file of `torch.save` with these arrays as tensors."""
    import torch

    stream = BytesIO()
    torch.save({name: torch.tensor(array) for name, array in arrays.items()}, stream)
    return stream.getvalue()


def _cause(message: str) -> str:
    """Return the cause of an error of `torch.load`, without torch's advice to read the file unsafely."""
    match = re.search(r"GLOBAL ([\w.]+)|`([\w.]+)` was blocked|class ([\w.]+)", message)
    if "torch.ScriptObject" in message:
        return "its weights are packed, as in torch's quantised layers: save them before they are quantised"
    if ("nsupported" in message and match) or "GLOBAL" in message:
        return _refusal(next(filter(None, match.groups()), "code") if match else "code")
    return "it is cut short, or no file of torch.save"


def _refusal(name: str) -> str:
    return (
        f"its pickle asks for {name}, more than tensors, so it was refused and nothing of it was run: "
        "save the state_dict() of the module, or safetensors"
    )


def _entries(loaded: Any, allowance: Allowance) -> Iterator[tuple[tuple[str, ...], torch.Tensor]]:
    """Yield every tensor in nested mappings, with its keys. A mapping may contain itself."""
    import torch

    waiting: list[tuple[tuple[str, ...], int, Any]] = [((), 0, loaded)]
    while waiting:
        keys, length, value = waiting.pop()
        allowance.count_steps(1 + (length + len(keys)) // 100)
        if isinstance(value, torch.Tensor):
            yield keys, value
        elif isinstance(value, Mapping):
            inner = [(str(key), each) for key, each in value.items()]
            waiting += [((*keys, key), length + len(key), each) for key, each in reversed(inner)]


def _dtype(value: torch.Tensor) -> str:
    """Return the dtype of a tensor, with the reason if the tensor cannot become an array."""
    dtype = str(value.dtype).removeprefix("torch.")
    if value.is_quantized:
        return f"quantised to {dtype}"
    if value.device.type != "cpu":
        return f"{dtype} without its numbers"
    return dtype if str(value.layout) == "torch.strided" else f"sparse {dtype}"


def _tensor(value: torch.Tensor) -> Tensor:
    """Return the tensor, without its numbers if it is quantised, sparse, not a float, or has no data."""
    dtype = _dtype(value)
    if dtype not in FLOATS:
        return Tensor(np.broadcast_to(np.zeros((), np.int8), tuple(value.shape)), dtype)
    value = value.detach()
    return Tensor((value.float() if dtype in FLOATS_16 else value).numpy(), dtype)
