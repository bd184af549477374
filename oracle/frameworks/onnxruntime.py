"""ONNX Runtime: its operators `LSTM` and `RNN` on the CPU, in a model of one node.

An operator is one layer, in one or two directions, with `sequence_lens`, `initial_h` and `initial_c`. ONNX
has no projection. The weights are inputs of the graph, so that calls with other weights can use a cached
session. On the CPU, the kernel of `RNN` supports only float. The kernel of `LSTM` is also registered for
double, but raises an error: it does not support double yet. ONNX Runtime casts float16 to float before the
node, and back after it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import onnxruntime

from oracle.frameworks.functions import COMMON_LIMITS
from oracle.frameworks.onnx_evaluator import functions_by
from reference.contract import Array

SUPPORTS = {
    **COMMON_LIMITS,
    "dtypes": ["float16", "float32"],
    "layers": 1,
    "projection": False,
    "gradients": False,
}


def _run(model: Any, feeds: dict[str, Array]) -> Any:
    return session(model.SerializeToString()).run(None, feeds)


@lru_cache(maxsize=64)
def session(serialized: bytes) -> onnxruntime.InferenceSession:
    """Return a session of one thread on the CPU for a serialized model, cached."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])


globals().update(functions_by(_run))
