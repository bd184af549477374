"""Exports models for the tests of parity, changes them, and runs the command on them."""

import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
import torch

from oracle.tests.in_this_process import read_in_this_process
from properties.session import parity

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install -e '.[export]'")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install -e '.[export]'")

MODULE = dedent(
    """
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(11, 5)
            self.before = torch.nn.Linear(5, 3)
            self.encoder = torch.nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True)
            self.decoder = torch.nn.RNN(8, 4, nonlinearity="relu", batch_first=True)
            self.after = torch.nn.Linear(4, 2)

        def forward(self, tokens):
            hidden, _ = self.encoder(self.before(self.embedding(tokens)))
            return self.after(self.decoder(hidden)[0])

    def model():
        torch.manual_seed(0)
        return Model()

    def make():
        made = model()
        torch.manual_seed(1)
        return made, torch.randint(0, 11, (3, 5))

    def number():
        return 3

    def broken():
        raise KeyError("weights.pt")

    def linear():
        return torch.nn.Linear(2, 2), torch.ones(2)

    class Two(Model):
        def forward(self, tokens, other):
            return super().forward(tokens)

    def two():
        return Two(), (torch.zeros(2, 3, dtype=torch.int64), torch.ones(2, 3))

    def wrong_shape():
        return model(), torch.zeros(2, 3, 4, dtype=torch.int64)

    def smaller():
        made, examples = make()
        made.encoder = torch.nn.LSTM(3, 4, 1, bidirectional=True, batch_first=True)
        return made, examples
    """
)


def exported(module: torch.nn.Module, examples: tuple[Any, ...], path: Path, **options: Any) -> Path:
    """Export a model by torch's older exporter, which is fast."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), examples, path, dynamo=False, **options)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module and the model that was exported from it."""
    folder = tmp_path_factory.mktemp("exported")
    (folder / "original_model.py").write_text(MODULE)
    found: dict[str, Any] = {}
    exec(MODULE, found)
    axes = {"tokens": {0: "batch", 1: "time"}}
    examples = (torch.zeros(2, 3, dtype=torch.int64),)
    exported(found["model"](), examples, folder / "model.onnx", input_names=["tokens"], dynamic_axes=axes)
    return folder


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "original_model", raising=False)
    read_in_this_process(monkeypatch)


Arrays = dict[str, np.ndarray]


def changed(change: Callable[[Any, Arrays], None], name: str = "changed.onnx") -> str:
    """Save a copy of the model after a change of its graph and of its arrays by name."""
    model = onnx.load("model.onnx")
    arrays = {each.name: np.array(onnx.numpy_helper.to_array(each)) for each in model.graph.initializer}
    change(model.graph, arrays)
    del model.graph.initializer[:]
    model.graph.initializer.extend(onnx.numpy_helper.from_array(a, each) for each, a in arrays.items())
    onnx.save(model, name)
    return name


def nodes(graph: Any) -> list[Any]:
    return [node for node in graph.node if node.op_type in ("LSTM", "RNN")]


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[list[str]], str]:
    """Return the exit status, the cells of every row, and the sentence."""
    status = parity.main([*arguments])
    _, *rows, sentence = capsys.readouterr().out.splitlines()
    return status, [re.split(" {2,}", row.strip()) for row in rows], sentence
