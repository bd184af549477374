"""Torch's modules, compiled by `torch.compile` with the option `torch._dynamo.config.allow_rnn`.

The option is experimental. Without it, torch does not compile RNNs, but runs them as usual. Compilation needs
a C++ compiler, and takes seconds for each shape. The compilation of gradients takes up to a minute, so this
adapter has no gradients. A module that gets a packed sequence is not compiled, so this adapter supports no
lengths.

A process that is killed while it compiles leaves an incomplete file in torch's cache
(`TORCHINDUCTOR_CACHE_DIR`), with which later calls raise `OSError: … file too short`: delete the cache then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from oracle.frameworks import torch_modules

SUPPORTS = {**torch_modules.SUPPORTS, "lengths": False, "gradients": False}

_CONFIG = {"allow_rnn": True, "recompile_limit": 10**6, "accumulated_recompile_limit": 10**6}


def _compile(module: torch.nn.Module) -> Callable[..., Any]:
    compiled = torch.compile(module, fullgraph=True, dynamic=False)
    within_config: Callable[..., Any] = torch._dynamo.config.patch(_CONFIG)(compiled)
    return within_config


globals().update(torch_modules.functions_of_modules(_compile))
