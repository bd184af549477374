"""Torch's modules without oneDNN (`torch.backends.mkldnn`): with the kernels of a torch without oneDNN."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch

from oracle.frameworks import torch_modules

SUPPORTS = torch_modules.SUPPORTS


# Without this argument, a torch that supports TF32 warns that there is no GPU.
_TF32 = {"allow_tf32": False}
_QUIETLY = _TF32 if "allow_tf32" in signature(torch.backends.mkldnn.flags).parameters else {}


def _without(module: torch.nn.Module) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        with torch.backends.mkldnn.flags(enabled=False, **_QUIETLY):
            return module(*given)

    return call


globals().update(torch_modules.functions_of_modules(_without))
