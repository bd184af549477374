"""Adapters: the recurrent layers of frameworks under the contract of layers, one small file a framework.

Each is a target, `rnn-crosscheck frameworks.NAME`, for an interpreter that has the framework and NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Adapter(NamedTuple):
    """The distribution that has the framework, and the extra of this package that installs it.

    Torch is there anyway.
    """

    distribution: str
    extra: str = ""


ADAPTERS: Mapping[str, Adapter] = {
    "onnxruntime": Adapter("onnxruntime", "onnx"),
    "onnx_evaluator": Adapter("onnx", "onnx"),
    "litert": Adapter("ai-edge-litert", "litert"),
    "ncnn": Adapter("ncnn", "ncnn"),
    "mlx": Adapter("mlx", "mlx"),
    "openvino": Adapter("openvino", "openvino"),
    "paddle": Adapter("paddlepaddle", "paddle"),
    "flax_nnx": Adapter("flax", "jax"),
    "keras_numpy": Adapter("keras", "keras"),
    "keras_torch": Adapter("keras", "keras"),
    "keras_jax": Adapter("keras", "jax"),
    "keras_tensorflow": Adapter("keras", "tensorflow"),
    "tinygrad": Adapter("tinygrad", "tinygrad"),
    "torch_script": Adapter("torch"),
    "torch_mkldnn_off": Adapter("torch"),
    "torch_autocast": Adapter("torch"),
    "torch_compile": Adapter("torch"),
    "torch_exported": Adapter("torch", "export"),
}
"""By the name of the target, in the order in which they are judged."""
