"""Torch's modules under autocast on the CPU, which computes in bfloat16 instead of float32.

The harness should find that the values are right to only three digits. They are bfloat16, which NumPy does
not have, so this adapter returns the same values in float32.
"""

import torch

from oracle.frameworks.torch_modules import SUPPORTS, functions_of_modules

__all__ = ["SUPPORTS"]

globals().update(functions_of_modules(torch.autocast("cpu", torch.bfloat16)))
