"""Torch's modules without oneDNN (`torch.backends.mkldnn`): with the kernels of a torch without oneDNN."""

from inspect import signature
from typing import Any

import torch

from oracle.frameworks.torch_modules import SUPPORTS, called_within, functions_of_modules

__all__ = ["SUPPORTS"]

# Without this argument, a torch that supports TF32 warns that there is no GPU.
_TF32: dict[str, Any] = {"allow_tf32": False}
_QUIETLY = _TF32 if "allow_tf32" in signature(torch.backends.mkldnn.flags).parameters else {}

globals().update(
    functions_of_modules(called_within(lambda: torch.backends.mkldnn.flags(enabled=False, **_QUIETLY)))
)
