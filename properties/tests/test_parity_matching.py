"""Nodes of an exported model are matched with layers of the original, and their inputs are compared."""

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from oracle.checkpoints import CheckpointError
from oracle.parity.comparison import compare
from oracle.parity.original import run_original
from properties.session import parity
from properties.tests.exported_models import (  # noqa: F401
    Arrays,
    _here,
    changed,
    exported,
    folder,
    judged,
    nodes,
    onnx,
)


class Twins(torch.nn.Module):
    """Two layers of the same sizes, the first of which is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = torch.nn.LSTM(4, 4), torch.nn.LSTM(4, 4)

    def forward(self, x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        y, _ = self.one(x, (h, c))
        z, states = self.two(y)
        return self.one(z, states)


def twins() -> tuple[Twins, tuple[torch.Tensor, ...]]:
    torch.manual_seed(3)
    return Twins(), (torch.randn(5, 2, 4), torch.randn(1, 2, 4), torch.randn(1, 2, 4))


def test_a_layer_that_is_used_twice_is_two_nodes(tmp_path: Path) -> None:
    module, examples = twins()
    found = compare(exported(module, examples, tmp_path / "m.onnx"), module, examples)
    assert found.is_right
    assert [row.layer and row.layer.layer.prefix for row in found.rows] == ["one", "two", "one"]
    assert all(np.abs(row.node.inputs.a0).max() > 0 for row in found.rows[::2] if row.node)


def test_exchanged_layers_are_wrong(tmp_path: Path) -> None:
    module, examples = twins()
    module.one, module.two = module.two, module.one
    path = exported(module, examples, tmp_path / "m.onnx")
    found = compare(path, twins()[0], examples)
    assert not found.is_right
    assert "the models differ before /one/LSTM: " in found.sentence


def test_lost_initial_states_are_reported(tmp_path: Path) -> None:
    module, examples = twins()
    path = exported(module, examples, tmp_path / "m.onnx")
    model = onnx.load(path)
    nodes(model.graph)[2].input[5] = ""
    onnx.save(model, path)
    found = compare(path, module, examples)
    assert [row.verdict for row in found.rows] == ["right"] * 3
    assert re.search(r"models differ before /one_1/LSTM: a0 differs by 0\.\d+\.$", found.sentence)
    assert not found.is_right


def test_a_layer_without_a_node_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    status, rows, sentence = judged(capsys, "model.onnx", "--against", "original_model:smaller")
    assert status == 1
    assert [row[-1] for row in rows] == ["wrong", "no module", "right"]
    assert sentence.startswith("The first wrong row is /encoder/LSTM.")


class Branches(torch.nn.Module):
    """Two layers of the same sizes on one input."""

    def __init__(self, *, turned: bool = False) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.one, self.two = torch.nn.LSTM(3, 4), torch.nn.LSTM(3, 4)
        self.turned = turned

    def forward(self, x: torch.Tensor) -> Any:
        if self.turned:
            two, one = self.two(x)[0], self.one(x)[0]
        else:
            one, two = self.one(x)[0], self.two(x)[0]
        return one - two


def test_branches_may_have_another_order(tmp_path: Path) -> None:
    examples = (torch.randn(5, 2, 3),)
    path = exported(Branches(turned=True), examples, tmp_path / "m.onnx")
    found = compare(path, Branches(), examples)
    assert [row.layer and row.layer.layer.prefix for row in found.rows] == ["two", "one"]
    assert found.is_right, found.sentence


def test_a_node_in_a_branch_is_not_judged(capsys: pytest.CaptureFixture[str]) -> None:
    def in_a_branch(graph: Any, arrays: Arrays) -> None:
        node = nodes(graph)[2]
        inner = onnx.helper.make_graph([node], "b", [], [onnx.ValueInfoProto(name=node.output[0])])
        arrays["yes"] = np.array(True)
        branching = onnx.helper.make_node(
            "If", ["yes"], [node.output[0]], then_branch=inner, else_branch=inner
        )
        node.CopyFrom(branching)

    file = changed(in_a_branch)
    status, rows, sentence = judged(capsys, file, "--against", "original_model:make")
    assert status == 1
    assert [row[-1] for row in rows] == ["right", "right", "no node"]
    assert sentence == "The first wrong row is decoder."


class Packed(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.lstm = torch.nn.LSTM(3, 4, 2, bidirectional=True)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Any:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed, (h, c))[0], total_length=8)[0]

    def examples(self) -> tuple[torch.Tensor, ...]:
        states = torch.randn(2, 4, 3, 4)
        return torch.randn(8, 3, 3), torch.tensor([2, 6, 4]), states[0], states[1]


def test_packed_sequences_are_compared_as_they_are_packed(tmp_path: Path) -> None:
    module = Packed()
    examples = module.examples()
    found = compare(exported(module, examples, tmp_path / "m.onnx"), module, examples)
    assert found.is_right, found.sentence
    assert [row.weights or row.verdict for row in found.rows] == ["right"] * 2
    node = found.rows[0].node
    assert node
    assert [*node.inputs.ends] == [6, 4, 2]


def test_lost_lengths_are_reported(tmp_path: Path) -> None:
    module = Packed()
    examples = module.examples()
    path = exported(module, examples, tmp_path / "m.onnx")
    model = onnx.load(path)
    for node in nodes(model.graph):
        node.input[4] = ""
    onnx.save(model, path)
    found = compare(path, module, examples)
    assert [row.verdict for row in found.rows] == ["right"] * 2
    assert found.sentence.endswith("; the models differ before /lstm/LSTM: the lengths differ.")


def test_a_node_with_many_more_steps_than_its_layer_is_refused(tmp_path: Path) -> None:
    """A model may make a sequence of any length from its inputs."""
    module, examples = Branches(), (torch.randn(5, 2, 3),)
    path = exported(module, examples, tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([10**4, 1, 1]), "times"))
    model.graph.node.insert(0, onnx.helper.make_node("Tile", [model.graph.input[0].name, "times"], ["long"]))
    for node in nodes(model.graph):
        node.input[0] = "long"
    onnx.save(model, path)
    with pytest.raises(
        CheckpointError, match=r"m\.onnx: /one/LSTM has 100000 steps of all samples, too many"
    ):
        compare(path, module, examples)


def test_example_inputs_may_be_given_by_name(tmp_path: Path) -> None:
    module, (x, h, c) = twins()
    path = exported(module, (x, h, c), tmp_path / "m.onnx", input_names=["x", "h", "c"])
    assert compare(path, module, {"c": c, "h": h, "x": x}).is_right


def test_another_number_of_outputs_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    def with_more(graph: Any, arrays: Arrays) -> None:
        graph.output.append(onnx.ValueInfoProto(name=nodes(graph)[2].output[0]))

    status, _, sentence = judged(capsys, changed(with_more), "--against", "original_model:make")
    assert status == 1
    assert sentence.endswith("recurrent node: the exported model returns 2 tensors, and the original 1.")


def test_a_chaotic_node_is_vague_and_not_wrong(tmp_path: Path) -> None:
    torch.manual_seed(6)
    module = torch.nn.RNN(3, 16)
    with torch.no_grad():
        dict(module.named_parameters())["weight_hh_l0"].mul_(20)
    examples = (torch.randn(60, 2, 3),)
    found = compare(exported(module, examples, tmp_path / "m.onnx"), module, examples)
    assert [row.verdict for row in found.rows] == ["vague"]
    assert found.rows[0].output_difference.is_error
    assert found.is_right


def test_external_tensors_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.onnx"
    model = onnx.load("model.onnx")
    onnx.save(model, path, save_as_external_data=True, location="weights", size_threshold=0)
    assert judged(capsys, str(path), "--against", "original_model:make")[0] == 0
    (tmp_path / "weights").unlink()
    with pytest.raises(SystemExit):
        parity.main([str(path), "--against", "original_model:make"])
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "ONNX Runtime cannot run it: " in shown


def test_models_of_the_newer_exporter_are_compared(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="torch's newer exporter needs onnxscript")
    module, examples = twins()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), examples, tmp_path / "m.onnx", dynamo=True, verbose=False)
    found = compare(tmp_path / "m.onnx", module, examples)
    assert [row.verdict for row in found.rows] == ["right"] * 3
    assert found.is_right, found.sentence


def test_a_parametrized_weight_is_recorded_as_computed() -> None:
    torch.manual_seed(0)
    module = torch.nn.utils.parametrizations.weight_norm(torch.nn.LSTM(3, 4), "weight_hh_l0")
    module.parametrizations.weight_hh_l0.original0.data.mul_(2)
    passes, (output, *_) = run_original(module, torch.randn(5, 2, 3))
    np.testing.assert_allclose(output, passes[0].outputs["a"].transpose(2, 1, 0), rtol=1e-6, atol=1e-7)
