"""Adapters: the recurrent layers of frameworks as targets, `rnn-crosscheck frameworks.NAME`.

The interpreter of an adapter needs its framework and NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Adapter(NamedTuple):
    """Where an adapter's framework comes from."""

    distribution: str  # the package that contains the framework
    needs: str = ""  # the packages that the adapter needs, as words of a shell; by default, that package


ADAPTERS: Mapping[str, Adapter] = {
    "onnxruntime": Adapter("onnxruntime", "onnxruntime onnx"),
    "onnx_evaluator": Adapter("onnx"),
    "litert": Adapter("ai-edge-litert", "ai-edge-litert flatbuffers"),
    "ncnn": Adapter("ncnn"),
    "mlx": Adapter("mlx", "'mlx[cpu]'"),
    "openvino": Adapter("openvino"),
    "paddle": Adapter("paddlepaddle", "paddlepaddle setuptools"),
    "flax_nnx": Adapter("flax", "flax jax"),
    "keras_numpy": Adapter("keras"),
    "keras_torch": Adapter("keras", "keras torch"),
    "keras_jax": Adapter("keras", "keras jax"),
    "keras_tensorflow": Adapter("keras", "keras tensorflow"),
    "tinygrad": Adapter("tinygrad"),
    "torch_script": Adapter("torch"),
    "torch_mkldnn_off": Adapter("torch"),
    "torch_autocast": Adapter("torch"),
    "torch_compile": Adapter("torch"),
    "torch_exported": Adapter("torch", "torch onnxruntime onnx onnxscript"),
}
"""The adapters by name, in the order in which `benchmarks.frameworks` judges them."""
