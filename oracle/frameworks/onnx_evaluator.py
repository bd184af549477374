"""ONNX: its own evaluator, `onnx.reference.ReferenceEvaluator`, which computes with NumPy.

It evaluates the models that the adapter of ONNX Runtime makes. An operator is one layer; ONNX has no
projection. The evaluator refuses all activations of an RNN except `Tanh` and `Affine`. It ignores
`sequence_lens`, which is not documented, so `SUPPORTS` does not exclude lengths.
"""

from __future__ import annotations

from typing import Any

from onnx import ModelProto
from onnx.reference import ReferenceEvaluator

from oracle.frameworks.functions import LAYERS_ALONE
from oracle.frameworks.onnx_model import functions_by
from reference.contract import Array

SUPPORTS = {**LAYERS_ALONE, "layers": 1, "projection": False, "activations": ["tanh"], "gradients": False}


def _run(model: ModelProto, feeds: dict[str, Array]) -> Any:
    return ReferenceEvaluator(model).run(None, feeds)


globals().update(functions_by(_run))
