"""Engines that load ONNX models: OpenCV's module dnn, MNN and tract, each as a class.

The models are those of the adapter `frameworks.onnx_evaluator`, but with the weights as constants, since most
engines require that. `initial_h` and `initial_c` are inputs.

    rnn-crosscheck benchmarks/adapters/onnx_engines.py:OpenCV --python PYTHON
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, numpy_helper

from oracle.frameworks.functions import COMMON_LIMITS
from oracle.frameworks.onnx_evaluator import functions_by
from reference.contract import Array

LIMITS = {
    **COMMON_LIMITS,
    "dtypes": ["float32"],
    "layers": 1,
    "projection": False,
    "gradients": False,
    "subnormals": False,
}
WEIGHTS = ("W", "R", "B")
CONVERTER = ("-f", "ONNX", "--bizCode", "model")
Engine = Callable[[bytes, dict[str, Array], Sequence[str]], Sequence[Array]]


def with_constant_weights(model: ModelProto, feeds: dict[str, Array]) -> bytes:
    """Return the same model with the weights as initializers."""
    changed = ModelProto()
    changed.CopyFrom(model)
    inputs = [each for each in changed.graph.input if each.name not in WEIGHTS]
    del changed.graph.input[:]
    changed.graph.input.extend(inputs)
    weights = [name for name in WEIGHTS if name in feeds]
    changed.graph.initializer.extend(numpy_helper.from_array(feeds[name], name) for name in weights)
    serialized: bytes = changed.SerializeToString()
    return serialized


def without_bias(model: ModelProto, feeds: dict[str, Array]) -> tuple[ModelProto, dict[str, Array]]:
    """Return a model without `B`, whose biases are weights on one more feature, which is 1."""
    changed, (W, B, X) = ModelProto(), (feeds[name] for name in "WBX")
    changed.CopyFrom(model)
    changed.graph.node[0].input[3] = ""
    (x,) = (each for each in changed.graph.input if each.name == "X")
    x.type.tensor_type.shape.dim[2].dim_value += 1
    halves = B.reshape(len(B), 2, -1).sum(axis=1)
    others = {name: array for name, array in feeds.items() if name != "B"}
    ones = np.ones((*X.shape[:2], 1), X.dtype)
    joined = {"X": np.concatenate([X, ones], 2), "W": np.concatenate([W, halves[..., None]], 2)}
    return changed, {**others, **joined}


def target(
    engine: Engine, kinds: Sequence[str] = ("rnn", "lstm"), *, has_bias: bool = True, **limits: Any
) -> type:
    """Return a class whose functions run models by an engine."""

    def run(model: ModelProto, feeds: dict[str, Array]) -> Sequence[Array]:
        if not has_bias:
            model, feeds = without_bias(model, feeds)
        given = {name: array for name, array in feeds.items() if name not in WEIGHTS}
        outputs = [each.name for each in model.graph.output]
        return engine(with_constant_weights(model, feeds), given, outputs)

    functions = {name: f for name, f in functions_by(run).items() if name.startswith(tuple(kinds))}
    members = {name: staticmethod(function) for name, function in functions.items()}
    return type("Engine", (), {**members, "SUPPORTS": {**LIMITS, **limits}})


def opencv(model: bytes, feeds: dict[str, Array], outputs: Sequence[str]) -> Sequence[Array]:
    """Run a model by `cv2.dnn`."""
    import cv2

    net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
    for name, array in feeds.items():
        net.setInput(array, name)
    found: Sequence[Array] = net.forward(outputs)
    return found


def mnn(model: bytes, feeds: dict[str, Array], outputs: Sequence[str]) -> Sequence[Array]:
    """Run a model by MNN, after the converter of its wheel."""
    from MNN import expr

    net = converted(model, tuple(feeds), tuple(outputs))
    inputs = []
    for array in feeds.values():
        dtype = expr.int if array.dtype == np.int32 else expr.float
        inputs.append(expr.const(array.ravel().tolist(), [*array.shape], expr.NCHW, dtype))
    return [np.array(each.read()) for each in net.forward(inputs)]


@lru_cache(maxsize=64)
def converted(model: bytes, inputs: Sequence[str], outputs: Sequence[str]) -> Any:
    """Return the converted model, loaded."""
    import _tools
    import MNN

    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "model.onnx"), Path(folder, "model.mnn")
        source.write_bytes(model)
        # Not the command mnnconvert, which runs pip, and reports to a server.
        _tools.mnnconvert(["mnnconvert", *CONVERTER, "--modelFile", str(source), "--MNNModel", str(made)])
        if not made.exists():
            raise RuntimeError("mnnconvert made no model")
        return MNN.nn.load_module_from_file(str(made), [*inputs], [*outputs])


def tract(model: bytes, feeds: dict[str, Array], outputs: Sequence[str]) -> Sequence[Array]:
    """Run a model by tract."""
    import tract

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        file.write_bytes(model)
        runnable = tract.onnx().load(str(file)).into_model().into_runnable()
    return [each.to_numpy() for each in runnable.run([*feeds.values()])]


OpenCV = target(opencv, ["lstm"])
OpenCVWithoutBias = target(opencv, ["lstm"], has_bias=False)
MNN = target(mnn)
Tract = target(tract, lengths=False)
