"""ONNX Runtime: its operators `LSTM` and `RNN` on the CPU, in a model of one node.

An operator is one layer, in one or two directions, with `sequence_lens`, `initial_h` and `initial_c`; ONNX
has no projection. The weights are inputs of the graph, so that a cached session has no weights. On the CPU,
the kernel of `RNN` supports only float. The kernel of `LSTM` is also registered for double, but answers that
it does not support double yet. Around the node, float16 is cast to float.
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
    """A session of one thread on the CPU, for a serialized model."""
    threads = onnxruntime.SessionOptions()
    threads.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(serialized, threads, providers=["CPUExecutionProvider"])


globals().update(functions_by(_run))
