"""Torch's modules with oneDNN switched off (`torch.backends.mkldnn`), so that torch's own kernels run."""

from inspect import signature
from typing import Any

import torch

from oracle.frameworks.torch_modules import SUPPORTS, functions_of_modules

__all__ = ["SUPPORTS"]

_FLAGS: dict[str, Any] = {"enabled": False}
if "allow_tf32" in signature(torch.backends.mkldnn.flags).parameters:
    _FLAGS["allow_tf32"] = False  # without this flag, torch warns that there is no GPU

globals().update(functions_of_modules(torch.backends.mkldnn.flags(**_FLAGS)))
