"""Torch's modules exported by `torch.onnx.export`, run by ONNX Runtime on the CPU.

The exporter does not support packed sequences, so this adapter supports no lengths. ONNX has no projection.
The model is exported without optimization, so that its weights keep their names; `_session` makes them
inputs of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

import torch

from oracle.frameworks import torch_modules
from oracle.frameworks.onnxruntime import session

SUPPORTS = {
    **torch_modules.SUPPORTS,
    "dtypes": ["float16", "float32"],
    "lengths": False,
    "projection": False,
    "gradients": False,
}


def _export(module: torch.nn.Module) -> Callable[..., Any]:
    session_of = lru_cache(maxsize=64)(partial(_session, module))

    def call(x: torch.Tensor, states: Any = None) -> Any:
        tensors = [x, *((states,) if isinstance(states, torch.Tensor) else states or ())]
        exported = session_of(x.dtype, *(each.shape for each in tensors))
        remaining, weights = iter(tensors), dict(module.named_parameters())
        names = [each.name for each in exported.get_inputs()]
        feeds = {name: (weights[name] if name in weights else next(remaining)).numpy() for name in names}
        output, *last = (torch.from_numpy(array) for array in exported.run(None, feeds))
        return output, last[0] if len(last) == 1 else last

    return call


def _session(module: torch.nn.Module, dtype: torch.dtype, *shapes: Sequence[int]) -> Any:
    x, *states = (torch.zeros(shape, dtype=dtype) for shape in shapes)
    arguments = (x, tuple(states) if len(states) == 2 else states[0]) if states else (x,)
    program: Any = torch.onnx.export(module, arguments, dynamo=True, optimize=False, verbose=False)
    graph = program.model.graph
    graph.inputs.extend(graph.initializers.values())
    graph.initializers.clear()
    return session(program.model_proto.SerializeToString())


globals().update(torch_modules.functions_of_modules(_export))
