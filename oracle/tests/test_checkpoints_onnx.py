"""Recurrent nodes of ONNX models are read: in branches, stacked, and with computed weights."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oracle.checkpoints import Checkpoint, CheckpointError, load
from oracle.problems.problem import LayerProblem, Problem
from oracle.tests.in_this_process import read_in_this_process
from oracle.weights.conversion import to_onnx, to_torch
from reference.contract import Array

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[checkpoints]'")
helper: Any = onnx.helper

STACK = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, layers=2, directions=2, dtype="float32")
ONE = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, dtype="float32")
RNN = Problem.rnn_layer(n_x=3, n_a=4, m=1, T_x=1, dtype="float32")


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    read_in_this_process(monkeypatch)


def weights(problem: LayerProblem) -> dict[str, Array]:
    inputs = problem.inputs(problem.kind)
    return to_onnx(inputs.kind, inputs.parameters, problem.directions)


def saved(folder: Path, nodes: Sequence[Any], arrays: Mapping[str, Array]) -> str:
    initializers = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("X", 1, None)], [value("Y", 1, None)], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)]), folder / "m.onnx")
    return str(folder / "m.onnx")


def node(kind: str, layer: int = 0, x: str = "X", y: str = "Y", **attributes: Any) -> Any:
    inputs = [x, *(f"l{layer}.{letter}" for letter in "WRB")]
    return helper.make_node(kind, inputs, [y], name=f"n{layer}", hidden_size=4, **attributes)


def assert_has(checkpoint: Checkpoint, problem: LayerProblem) -> None:
    (layer,) = checkpoint.layers
    assert (layer.layers, layer.directions, layer.layout) == (problem.layers, problem.directions, "onnx")
    for theirs, ours in zip(layer.parameters, problem.inputs(problem.kind).parameters, strict=True):
        for name, array in ours.items():
            np.testing.assert_array_equal(theirs[name], array)


def test_stacked_nodes_are_one_layer(tmp_path: Path) -> None:
    """Between the nodes are the operators that torch's exporter writes."""
    nodes = [
        node("LSTM", 0, y="y0", direction="bidirectional"),
        helper.make_node("Transpose", ["y0"], ["t"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["t", "shape"], ["x1"]),
        node("LSTM", 1, x="x1", direction="bidirectional"),
    ]
    checkpoint = load(saved(tmp_path, nodes, {**weights(STACK), "shape": np.array([0, 0, -1])}))
    assert_has(checkpoint, STACK)
    assert checkpoint.layers[0].prefix == "n0"


def test_nodes_that_do_not_follow_each_other_are_two_layers(tmp_path: Path) -> None:
    square = Problem.lstm_layer(n_x=4, n_a=4, m=1, T_x=1, dtype="float32")
    arrays = {f"l{layer}.{letter}": weights(square)[f"l0.{letter}"] for layer in (0, 1) for letter in "WRB"}
    nodes = [node("LSTM", 0, y="y0"), node("LSTM", 1), helper.make_node("Tanh", ["y0"], ["z"])]
    assert [layer.prefix for layer in load(saved(tmp_path, nodes, arrays)).layers] == ["n0", "n1"]
    nodes = [node("LSTM", 0, y="y0"), helper.make_node("Tanh", ["y0"], ["z"]), node("LSTM", 1, x="z")]
    assert [layer.prefix for layer in load(saved(tmp_path, nodes, arrays)).layers] == ["n0", "n1"]


def test_computed_weights_in_branches_are_read(tmp_path: Path) -> None:
    """As in an exported script: in a branch, slices of torch's weights are joined in the order of ONNX."""
    state = to_torch("lstm", ONE.inputs("lstm_layer").parameters)
    arrays = {**state, "axis": np.array([0]), **{str(k): np.array([4 * k]) for k in range(5)}}
    inner = []
    for name in state:
        parts = []
        for gate in (0, 3, 1, 2):
            inner.append(
                helper.make_node("Slice", [name, str(gate), str(gate + 1), "axis"], [f"{name}{gate}"])
            )
            parts.append(f"{name}{gate}")
        inner.append(helper.make_node("Concat", parts, [f"{name} "], axis=0))
    inner.append(helper.make_node("Concat", ["bias_ih_l0 ", "bias_hh_l0 "], ["both "], axis=0))
    for of, name in (("weight_ih_l0 ", "l0.W"), ("weight_hh_l0 ", "l0.R"), ("both ", "l0.B")):
        inner.append(helper.make_node("Unsqueeze", [of, "axis"], [name]))
    branch = helper.make_graph([*inner, node("LSTM")], "b", [], [helper.make_tensor_value_info("Y", 1, None)])
    branching = helper.make_node("If", ["X"], ["Y"], then_branch=branch, else_branch=branch)
    checkpoint = load(saved(tmp_path, [branching], arrays))
    assert [layer.prefix for layer in checkpoint.layers] == ["n0", "n0#2"]
    assert_has(Checkpoint(checkpoint.path, checkpoint.layers[:1]), ONE)


def test_activation_and_direction_of_a_node_are_read(tmp_path: Path) -> None:
    checkpoint = load(saved(tmp_path, [node("RNN", activations=["Relu"], direction="reverse")], weights(RNN)))
    assert_has(checkpoint, RNN)
    assert checkpoint.layers[0].activation == "relu"
    assert "it runs from the last step back" in checkpoint.layers[0].remarks


def test_absent_biases_of_a_node_are_zeros(tmp_path: Path) -> None:
    arrays = {name: array for name, array in weights(RNN).items() if "B" not in name}
    bare = helper.make_node("RNN", ["X", "l0.W", "l0.R"], ["Y"], name="n", hidden_size=4)
    (layer,) = load(saved(tmp_path, [bare], arrays)).layers
    assert not layer.parameters[0]["ba"].any()
    assert "it has no biases: they are zeros" in layer.remarks


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"clip": 1.0}, "n0: it has clip"),
        ({"input_forget": 1}, "n0: it has input_forget"),
        ({"activations": ["HardSigmoid", "Tanh", "Tanh"]}, "n0: its activations are hardsigmoid, tanh, tanh"),
    ],
)
def test_unsupported_nodes_are_skipped_and_named(tmp_path: Path, attributes: Any, why: str) -> None:
    with pytest.raises(CheckpointError, match=f"no RNN or LSTM in it; there is {why}"):
        load(saved(tmp_path, [node("LSTM", **attributes)], weights(ONE)))


def test_weights_that_are_not_constants_are_named(tmp_path: Path) -> None:
    arrays = weights(ONE)
    nodes = [helper.make_node("Tanh", ["X"], ["l0.R"]), node("LSTM")]
    del arrays["l0.R"]
    with pytest.raises(CheckpointError, match=r"there is n0: l0\.R is computed by Tanh"):
        load(saved(tmp_path, nodes, arrays))


def test_a_bias_behind_an_identity_node_is_read(tmp_path: Path) -> None:
    """Torch exports two equal tensors in this way."""
    arrays = weights(ONE)
    both = arrays.pop("l0.B")
    nodes = [helper.make_node("Identity", ["bias"], ["l0.B"]), node("LSTM")]
    assert_has(load(saved(tmp_path, nodes, {**arrays, "bias": both})), ONE)


def test_a_model_without_recurrent_nodes_is_refused_with_its_operators(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["X"], ["h"]), helper.make_node("Tanh", ["h"], ["Y"])]
    with pytest.raises(CheckpointError, match="no RNN or LSTM node; its operators are Relu, Tanh"):
        load(saved(tmp_path, nodes, {"W": np.ones((3, 4), "f")}))


@pytest.mark.parametrize("domain", ["", "com.microsoft"])
def test_a_quantised_node_is_named(tmp_path: Path, domain: str) -> None:
    arrays = weights(ONE)
    if domain:
        nodes = [helper.make_node("DynamicQuantizeLSTM", ["X"], ["Y"], name="n0", domain=domain)]
        why = "an LSTM that is quantised"
    else:
        nodes = [helper.make_node("DequantizeLinear", ["l0.W", "scale"], ["wide"]), node("LSTM")]
        nodes[1].input[1], why = "wide", "its weights are quantised"
        arrays = {**arrays, "l0.W": arrays["l0.W"].astype(np.int8), "scale": np.ones((), "f")}
    with pytest.raises(CheckpointError, match=f"no RNN or LSTM in it; there is n0: {why}"):
        load(saved(tmp_path, nodes, arrays))


def test_missing_external_data_is_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path, [node("LSTM")], weights(ONE))
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="w.bin", size_threshold=0)
    assert_has(load(path), ONE)
    (tmp_path / "w.bin").unlink()
    with pytest.raises(
        CheckpointError, match=r"m\.onnx: it is cut short, or no \.onnx file: Data of TensorProto"
    ):
        load(path)


# A real model


@pytest.fixture
def silero() -> Path:
    """The folder of the package's models. An import of the package would need torchaudio."""
    found = find_spec("silero_vad")
    if found is None or found.origin is None:
        pytest.skip("silero_vad, which has trained weights, is not installed: pip install silero-vad")
    return Path(found.origin).parent / "data"


def test_every_16_khz_model_of_silero_vad_has_one_lstm(silero: Path) -> None:
    digests = {}
    for file in sorted(silero.glob("*.onnx")):
        if "half" not in file.name:  # which is of an older training
            for layer in load(str(file)).layers:
                assert (layer.kind, layer.n_x, layer.n_a, layer.layers, layer.directions) == (
                    "lstm",
                    128,
                    128,
                    1,
                    1,
                )
                if "8k" not in layer.prefix and "else_branch" not in layer.prefix:
                    digests[f"{file.name}:{layer.prefix}"] = layer.digest
    assert len(digests) > 1
    assert len({*digests.values()}) == 1, digests


def test_the_safetensors_file_of_silero_vad_has_one_lstm(silero: Path) -> None:
    pytest.importorskip("safetensors", reason="safetensors is not installed: pip install -e '.[checkpoints]'")
    (layer,) = load(str(silero / "silero_vad_16k.safetensors")).layers
    assert (layer.prefix, layer.layout, layer.n_x, layer.n_a) == ("lstm_cell", "torch", 128, 128)
