"""Files of PyTorch and of safetensors, by torch, which knows every dtype in them.

It is imported where there is such a file: that takes a second, which most runs need not wait for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from oracle.checkpoints.contents import FLOATS, WIDENED, Contents, Tensor
from oracle.checkpoints.error import CheckpointError, optional, shortened
from reference.contract import Array

if TYPE_CHECKING:
    import torch


def read_safetensors(path: Path) -> Contents:
    """Every tensor of the file."""
    safetensors = optional("safetensors")
    with safetensors.safe_open(path, framework="pt") as file:
        return Contents({name: _tensor(file.get_tensor(name)) for name in file.keys()})  # noqa: SIM118


def read_state_dict(path: Path) -> Contents:
    """Every tensor of a state dict, or of mappings of such ones, whose keys are joined by dots.

    Keys above all tensors, such as `"state_dict"`, are left out. `torch.load` unpickles tensors and plain
    containers alone: it refuses, and does not run, what else is in the file.
    """
    import torch

    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(_why(str(error))) from None
    while isinstance(loaded, Mapping) and len(holding := [*filter(_holds, loaded.values())]) == 1:
        if _is_tensor(holding[0]):
            break
        (loaded,) = holding
    return Contents({name: _tensor(each) for name, each in _flat(loaded)})


def write_safetensors(path: Path, arrays: Mapping[str, Array]) -> None:
    """The arrays under these names."""
    optional("safetensors.torch").save_file(_tensors(arrays), path)


def write_state_dict(path: Path, arrays: Mapping[str, Array]) -> None:
    """The arrays under these names, as tensors."""
    import torch

    torch.save(_tensors(arrays), path)


def _tensors(arrays: Mapping[str, Array]) -> dict[str, torch.Tensor]:
    import torch

    return {name: torch.tensor(array) for name, array in arrays.items()}


def _why(message: str) -> str:
    wanted = re.search(r"GLOBAL ([\w.]+)|`([\w.]+)` was blocked|class ([\w.]+)", message)
    if "TorchScript" in message:
        return "it is a TorchScript archive, which is a program: save the state_dict() of the module"
    if ("nsupported" in message and wanted) or "GLOBAL" in message:
        name = next(filter(None, wanted.groups()), "code") if wanted else "code"
        return (
            f"its pickle asks for {name}, more than tensors, so it was refused and nothing of it was run: "
            "save the state_dict() of the module, or safetensors"
        )
    return f"it is cut short, or no file of torch.save: {shortened(message, 120)}"


def _holds(value: Any) -> bool:
    """Whether it is a tensor, or there is one in it."""
    if isinstance(value, Mapping):
        return any(map(_holds, value.values()))
    return _is_tensor(value)


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    if _is_tensor(value):
        yield name, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(each, f"{name}.{key}" if name else str(key))


def _tensor(value: torch.Tensor) -> Tensor:
    """As an array; one that is quantised, sparse or without data is a placeholder of its shape."""
    stored = str(value.dtype).removeprefix("torch.")
    if str(value.layout) != "torch.strided" or value.is_quantized or value.device.type != "cpu":
        stored = f"{stored} in a layout of its own"
    if stored not in FLOATS:
        return Tensor(np.broadcast_to(np.zeros((), np.int8), tuple(value.shape)), stored)
    value = value.detach()
    return Tensor((value.float() if stored in WIDENED else value).numpy(), stored)
