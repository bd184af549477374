"""Adapters: the recurrent layers of frameworks as targets, `rnn-crosscheck frameworks.NAME`.

The interpreter of an adapter needs its framework and NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Adapter(NamedTuple):
    """Where an adapter's framework comes from."""

    distribution: str  # the package that contains the framework
    extra: str = ""  # the extra of this package that installs the framework; torch needs none


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
"""The adapters by name, in the order in which `benchmarks.frameworks` judges them."""
