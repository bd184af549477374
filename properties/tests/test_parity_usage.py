"""Models that cannot be compared are refused in one line."""

import os
import sys
from typing import Any

import pytest

from properties.session import command, parity
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


def without_nodes(graph: Any, arrays: Arrays) -> None:
    for node in nodes(graph):
        node.op_type = "Relu"


def as_gru(graph: Any, arrays: Arrays) -> None:
    for node in nodes(graph):
        node.op_type = "GRU"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--against", "original_model:make"], "the following arguments are required: MODEL.onnx"),
        (
            ["model.onnx", "--against", "original_model:mak"],
            "original_model:mak cannot be imported: AttributeError: module 'original_model' has no",
        ),
        (["model.onnx", "--against", "nope.py:make"], "no file 'nope.py'"),
        (["model.onnx", "--against", "pipe.py:make"], "pipe.py:make is not a regular file"),
        (["model.onnx", "--against", "nope:make"], "nope:make cannot be imported: ModuleNotFoundError: "),
        (
            ["model.onnx", "--against", "original_model"],
            "names no function: add it, as in original_model:FACTORY",
        ),
        (["model.onnx", "--against", "original_model:torch"], "original_model:torch() raised TypeError: "),
        (["model.onnx", "--against", "original_model:number"], "number() returned int, expected a tuple of "),
        (["model.onnx", "--against", "original_model:broken"], "broken() raised KeyError: 'weights.pt'"),
        (
            ["model.onnx", "--against", "original_model:linear"],
            "linear() has no torch.nn.LSTM or torch.nn.RN",
        ),
        (
            ["model.onnx", "--against", "original_model:two"],
            "there are 2 tensors in the example inputs, and it takes 1",
        ),
        (
            ["model.onnx", "--against", "original_model:wrong_shape"],
            "the original cannot be run on the example",
        ),
        (["nope.onnx", "--against", "original_model:make"], "nope.onnx: there is no such file"),
        (["original_model.py", "--against", "original_model:make"], "it is cut short, or no .onnx file"),
        (["none.onnx", "--against", "original_model:make"], "none.onnx: it has no RNN or LSTM node"),
        (["gru.onnx", "--against", "original_model:make"], "gru.onnx: it has no RNN or LSTM node"),
    ],
)
def test_wrong_usage_is_one_line_and_status_4(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(without_nodes, "none.onnx")
    changed(as_gru, "gru.onnx")
    if not os.path.exists("pipe.py"):
        os.mkfifo("pipe.py")
    with pytest.raises(SystemExit) as caught:
        parity.main(arguments)
    assert caught.value.code == 4
    shown = capsys.readouterr()
    assert not shown.out
    assert len(shown.err.splitlines()) == 1
    assert message in shown.err


def test_inputs_that_the_file_does_not_take_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def taking_pairs(graph: Any, arrays: Arrays) -> None:
        graph.input[0].type.tensor_type.shape.dim[1].dim_value = 2

    with pytest.raises(SystemExit):
        parity.main([changed(taking_pairs), "--against", "original_model:make"])
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "ONNX Runtime cannot run it: " in shown
    assert "Got invalid dimensions for input: tokens" in shown


def test_unprintable_node_names_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    def renamed(graph: Any, arrays: Arrays) -> None:
        nodes(graph)[0].name = "\x1b[2J\nnode"

    assert parity.main([changed(renamed), "--against", "original_model:make"]) == 0
    shown = capsys.readouterr().out
    assert r"\x1b[2J\nnode" in shown
    assert all(line.isprintable() for line in shown.splitlines())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit) as caught:
        parity.main(["model.onnx", "--against", "original_model:make"])
    assert caught.value.code == 4
    assert f"needs the package {package}: pip install {package}" in capsys.readouterr().err


def test_the_main_command_compares_models(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--against", "original_model:make"], ["--against=original_model:make"]):
        monkeypatch.setattr(sys, "argv", ["rnn-crosscheck", "model.onnx", *words])
        assert command.main() == 0
        assert "/decoder/RNN" in capsys.readouterr().out
