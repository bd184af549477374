"""A file of weights that cannot be read is refused in one line, and no code in it is run."""

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oracle.checkpoints.files import SUFFIXES
from oracle.checkpoints.layers import load
from oracle.checkpoints.reading import CheckpointError
from oracle.checkpoints.writing import convert
from oracle.tests.in_this_process import read_in_this_process
from oracle.tests.test_checkpoints_files import RNN, STACK, complaint, needs, state_of, tensors, write_h5

pytestmark = pytest.mark.slow


class Malicious:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path: Path, legacy: bool) -> None:
    evidence = tmp_path / "it ran"
    content = {**tensors(state_of(RNN)), "more": Malicious(f"touch '{evidence}'")}
    torch.save(content, tmp_path / "evil.pt", _use_new_zipfile_serialization=not legacy)
    message = complaint(tmp_path / "evil.pt")
    assert "posix.system" in message
    assert "nothing of it was run" in message
    assert "weights_only" not in message
    assert not evidence.exists()
    torch.load(tmp_path / "evil.pt", weights_only=False)
    assert evidence.exists()  # so it would have


def test_code_in_an_npz_is_refused_and_not_run(tmp_path: Path) -> None:
    evidence = tmp_path / "it ran"
    np.savez(tmp_path / "evil.npz", lstm=np.array([Malicious(f"touch '{evidence}'")], dtype=object))
    assert "pickle" in complaint(tmp_path / "evil.npz")
    assert not evidence.exists()


def test_a_whole_module_and_a_program_are_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.LSTM(3, 4), tmp_path / "module.pt")
    message = complaint(tmp_path / "module.pt")
    assert "torch.nn.modules.rnn.LSTM, which is no tensor, so it was refused" in message
    assert "weights_only" not in message
    with zipfile.ZipFile(tmp_path / "script.pt", "w") as archive:
        archive.writestr("script/constants.pkl", b"")
        archive.writestr("script/data.pkl", b"\x80\x02}.")
        archive.writestr("script/version", b"3\n")
    assert "TorchScript" in complaint(tmp_path / "script.pt")


def example(folder: Path, suffix: str) -> Path:
    path = folder / f"whole{suffix}"
    if suffix in (".h5", ".hdf5", ".keras"):
        write_h5(folder / "model.weights.h5", {f"lstm/cell/vars/{k}": np.ones((3, 3)) for k in range(3)})
        if suffix == ".keras":
            with zipfile.ZipFile(path, "w") as archive:
                archive.write(folder / "model.weights.h5", "model.weights.h5")
        else:
            (folder / "model.weights.h5").rename(path)
    elif suffix == ".onnx":
        onnx = needs("onnx")
        weights = [onnx.numpy_helper.from_array(np.ones((99, 9)), "weight")]
        onnx.save(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [], weights)), path)
    elif suffix == ".safetensors":
        path.write_bytes(needs("safetensors.numpy").save(state_of(RNN)))
    elif suffix == ".npz":
        np.savez(path, **state_of(RNN))  # type: ignore[arg-type]
    else:
        torch.save(tensors(state_of(RNN)), path)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_truncated_or_other_file_is_refused_in_one_line(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_in_this_process(monkeypatch)
    whole = example(tmp_path, suffix).read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-9], whole[:7], b"", b"no such file at all\n" * 9):
        (tmp_path / f"cut{suffix}").write_bytes(content)
        message = complaint(tmp_path / f"cut{suffix}")
        assert "it is cut short, or no" in message or "nothing in it" in message, message
        assert len(message) < 300 + len(str(tmp_path))


def test_a_missing_file_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.pt").mkdir()
    (tmp_path / "model.gguf").write_text("")
    assert "there is no such file" in complaint(tmp_path / "nope.pt:lstm")
    assert "it is a directory" in complaint(tmp_path / "model.pt")
    assert "its suffix is not one of .safetensors, .pt" in complaint(tmp_path / "model.gguf")


def test_a_missing_library_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_in_this_process(monkeypatch)
    for suffix, package in ((".h5", "h5py"), (".onnx", "onnx")):
        monkeypatch.setitem(sys.modules, package, None)
        (tmp_path / f"f{suffix}").write_text("")
        message = complaint(tmp_path / f"f{suffix}")
        assert f"needs the package {package}: pip install {package}" in message


def test_a_missing_library_for_writing_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "f.npz", **state_of(STACK))  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    out = tmp_path / "out.safetensors"
    with pytest.raises(CheckpointError) as caught:
        convert(load(str(tmp_path / "f.npz")), out, "torch")
    assert str(caught.value).startswith(
        f"{out}: this kind of file needs the package safetensors: pip install"
    )


def test_parts_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    state = state_of(STACK, "enc.")
    np.savez(tmp_path / "f.npz", **{**state, "enc.weight_hh_l1": np.zeros((16, 3), "f")})  # type: ignore[arg-type]
    assert "parts do not fit: enc.weight_hh_l1 is (16, 3), expected (16, 4)" in complaint(tmp_path / "f.npz")


def test_a_file_without_layers_is_refused_with_its_tensors(tmp_path: Path) -> None:
    gru = torch.nn.GRU(3, 4).state_dict()
    torch.save({f"fc{k}.weight": torch.zeros(2, 2) for k in range(20)}, tmp_path / "f.pt")
    message = complaint(tmp_path / "f.pt")
    assert "no RNN or LSTM in it with known names; for weights with other names, add --layout " in message
    assert "; there is fc0.weight (2, 2), " in message
    assert message.endswith("…")
    torch.save({f"enc.{name}": tensor for name, tensor in gru.items()}, tmp_path / "g.pt")
    assert "no RNN or LSTM in it; there is enc: a GRU" in complaint(tmp_path / "g.pt")
    torch.save({}, tmp_path / "e.pt")
    assert "nor any tensor" in complaint(tmp_path / "e.pt")
