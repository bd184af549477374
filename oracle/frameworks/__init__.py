"""Adapters of frameworks: the recurrent layers of each framework as functions of the contract of layers.

Each adapter is a target, `rnn-crosscheck frameworks.NAME`, for an interpreter that has the framework and
NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Adapter(NamedTuple):
    """The distribution that contains the framework, and the extra of this package that installs it.

    The extra is empty for torch, which this package requires anyway.
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
"""The adapters by the name of the target, in the order in which they are judged."""
