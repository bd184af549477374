"""The commands `rnn-crosscheck weights` and `convert`, as a user calls them."""

import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oracle.checkpoints import only_layer
from oracle.tests.selection import needs
from properties.session import weights
from properties.tests.runs import CLONE, Installation, in_clone

pytestmark = pytest.mark.slow

PAGE = (CLONE / "docs" / "checkpoints.md").read_text(encoding="utf-8")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = torch.nn.ModuleDict(
        {"enc": torch.nn.LSTM(3, 4, 2, bidirectional=True), "dec": torch.nn.RNN(3, 5)}
    )
    torch.save({"state_dict": {**model.state_dict(), "gru.weight_ih_l0": torch.zeros(6, 3),
        "gru.weight_hh_l0": torch.zeros(6, 2)}}, tmp_path / "model.pt")  # fmt: skip
    return tmp_path / "model.pt"


def test_a_file_is_shown(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights.main(["weights", str(checkpoint)]) == 0
    head, enc, dec, *more = capsys.readouterr().out.splitlines()
    assert head.split() == [
        "prefix",
        "kind",
        "layout",
        "L",
        "D",
        "n_x",
        "n_a",
        "n_p",
        "dtype",
        "max",
        "|W|",
        "digest",
    ]
    assert re.fullmatch(r"enc +LSTM +torch +2 +2 +3 +4 +float32 +0\.\d+ +[0-9a-f]{12} *", enc)
    assert re.fullmatch(r"dec +RNN +torch +1 +1 +3 +5 +float32 +0\.\d+ +[0-9a-f]{12} *", dec)
    assert more == ["2 layers: pairs of biases were added, and each sum rounded once", "skipped: gru: a GRU"]


def test_a_prefix_chooses(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights.main(["weights", f"{checkpoint}:dec"]) == 0
    assert "enc" not in capsys.readouterr().out


def test_layers_that_are_not_converted_are_named_in_one_line(
    checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(checkpoint)["state_dict"]
    more = {name.replace("gru", "another"): each for name, each in state.items() if "gru" in name}
    torch.save({**state, **more}, checkpoint)
    assert weights.main(["convert", str(checkpoint), str(checkpoint.with_name("copy.npz"))]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "skipped: gru: a GRU; another: a GRU"


def test_a_copy_is_the_same_in_every_layout(checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digests, source = set(), f"{checkpoint}:enc"
    for to in ("keras", "onnx", "reference", "torch"):
        out = checkpoint.with_name(f"{to}.npz")
        assert weights.main(["convert", source, str(out), "--to", to]) == 0
        line = capsys.readouterr().out
        assert line.splitlines()[0].endswith(" has the same numbers, bit for bit")
        source = line.partition(" ")[0]
        digests.add(only_layer(source).digest)
    assert len(digests) == 1


class Three(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = torch.nn.LSTM(3, 4, 2, bidirectional=True)
        self.lower = torch.nn.RNN(8, 5)
        self.upper = torch.nn.RNN(5, 5)

    def forward(self, x: torch.Tensor) -> Any:
        return self.upper(self.lower(self.encoder(x)[0])[0])[0]


@needs("onnx", "checkpoints")
def test_an_exported_model_has_the_digests_of_the_original(tmp_path: Path) -> None:
    def exported(name: str) -> list[str]:
        path = tmp_path / name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter has many
            torch.onnx.export(model, (torch.zeros(2, 1, 3),), path, dynamo=False)
        return [only_layer(f"{path}:{node}").digest for node in ("/encoder/LSTM", "/lower/RNN")]

    model = Three()
    torch.save(model.state_dict(), tmp_path / "model.pt")
    original = [only_layer(f"{tmp_path}/model.pt:{prefix}").digest for prefix in ("encoder", "lower+upper")]
    assert exported("model.onnx") == original
    with torch.no_grad():
        model.get_parameter("encoder.bias_hh_l1")[0] += 1
    assert exported("changed.onnx")[0] != original[0]
    assert exported("changed.onnx")[1] == original[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "rnn-crosscheck weights: error: the following arguments are required: FILE[:PREFIX]"),
        (["nope.pt"], "rnn-crosscheck: error: nope.pt: there is no such file"),
        (["nope.pt", "--layout", "caffe"], "argument --layout: invalid choice: 'caffe'"),
        (["{file}:x"], "no layer in it begins with x; there is enc, dec"),
        (["arr.npz"], "for weights with other names, add --layout torch|"),
    ],
)
def test_wrong_usage_is_one_line_and_status_4(
    checkpoint: Path,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(checkpoint.parent)
    np.savez("arr.npz", np.ones((16, 3)), np.ones((16, 4)), np.ones(16), np.ones(16))
    with pytest.raises(SystemExit) as caught:
        weights.main(["weights", *(each.format(file=checkpoint) for each in arguments)])
    assert caught.value.code == 4
    shown = capsys.readouterr()
    assert not shown.out
    assert len(shown.err.splitlines()) == 1
    assert message in shown.err


def test_it_is_a_command_in_the_clone_and_installed(wheel: Installation, checkpoint: Path) -> None:
    """Takes seconds: four runs, three of which start PyTorch."""
    for command in (in_clone(), wheel.command):
        done = command.run("weights", "model.pt:dec", directory=checkpoint.parent)
        assert done.returncode == 0, done.stderr
        assert "skipped: gru: a GRU" in done.stdout
    done = wheel.command.run("convert", "model.pt:dec", "model.pt", directory=checkpoint.parent)
    assert done.returncode == 4
    assert done.stderr.startswith("rnn-crosscheck: error: model.pt: it is the file to convert")
    code = "import rnn_crosscheck as r; print([getattr(r, name).__name__ for name in r.__all__])"
    assert "'to_torch'" in wheel.command.shell(f'python -c "{code}"', checkpoint.parent).stdout


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_what_the_page_says_of_the_library_runs(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(CLONE)
    exec(program, {})


def test_the_five_lines_of_the_page_run(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="safetensors is not installed: pip install -e '.[checkpoints]'")
    lines, *_ = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    words = f"{sys.executable} -m rnn_crosscheck"
    for line in lines.splitlines():
        line = line.partition("  #")[0]
        if not line.startswith("pip"):
            done = in_clone().shell(line.replace("rnn-crosscheck", f"PYTHONPATH={CLONE} {words}"), tmp_path)
            assert done.returncode == 0, done.stdout + done.stderr
