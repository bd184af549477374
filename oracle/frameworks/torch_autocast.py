"""Torch's modules under autocast on the CPU, which computes in bfloat16 instead of float32.

The harness is expected to report that the answers are right to three digits. The answers are bfloat16, which
NumPy does not have, so this adapter returns the same values in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from oracle.frameworks import torch_modules

SUPPORTS = torch_modules.SUPPORTS


def _autocast(module: torch.nn.Module) -> Callable[..., Any]:
    def call(*given: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return module(*given)

    return call


globals().update(torch_modules.functions_of_modules(_autocast))
