"""The first bytes show the kind of a file, whatever its name; data that is not a layer is named."""

import gzip
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oracle.checkpoints import CheckpointError, load
from oracle.checkpoints.files import SAFETENSORS, kind_of
from oracle.problems.problem import Problem
from oracle.tests.in_this_process import read_in_this_process
from oracle.weights.conversion import to_keras
from reference.contract import Array


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    read_in_this_process(monkeypatch)


LSTM = Problem.lstm_layer(n_x=3, n_a=4, m=1, T_x=1, dtype="float32")


def complaint(path: Path, prefix: str = "") -> str:
    with pytest.raises(CheckpointError) as caught:
        load(f"{path}:{prefix}" if prefix else str(path))
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value).removeprefix(f"{path}: ")


def write_npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, a=np.ones(3))


def write_npy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.ones(3))


def write_zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"")


def write_safetensors(path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))


def write_tar(path: Path) -> None:
    path.write_bytes(bytes(257) + b"ustar\x0000" + bytes(248))


FILES: dict[str, tuple[str, Callable[[Path], Any], str]] = {
    "npz": (".pt", write_npz, "an .npz archive, call it .npz"),
    "torch": (".npz", lambda path: torch.save({}, path), "a file of torch.save, call it .pt"),
    "legacy": (
        ".npz",
        lambda path: torch.save({}, path, _use_new_zipfile_serialization=False),
        "a file of torch.save, call it .pt",
    ),
    "safetensors": (".bin", write_safetensors, "a .safetensors file, call it .safetensors"),
    "keras": (".h5", lambda path: write_zip(path, "config.json", "model.weights.h5"), "a .keras archive, c"),
    "hdf5": (".ckpt", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"), "an HDF5 file, call it .h5"),
    "script": (".pt", lambda path: write_zip(path, "m/constants.pkl", "m/data.pkl"), "a TorchScript archive"),
    "zip": (".npz", lambda path: write_zip(path, "a.txt"), "a zip archive of something else"),
    "pickle": (
        ".pt",
        lambda path: path.write_bytes(pickle.dumps({"weight": [1.0]})),
        "a pickle, but none of torch.save: unpickling it could run anything, so it is not read",
    ),
    "npy": (".npz", write_npy, "an .npy file, one array without a name: save named arrays with numpy.savez"),
    "gguf": (".bin", lambda path: path.write_bytes(b"GGUF\3\0\0\0"), "a GGUF file"),
    "tflite": (".onnx", lambda path: path.write_bytes(b"\x1c\0\0\0TFL3"), "a LiteRT model"),
    "gzip": (".pt", lambda path: path.write_bytes(gzip.compress(b"x")), "compressed by gzip: decompress"),
    "tar": (".pt", write_tar, "a tar archive"),
    "html": (".safetensors", lambda path: path.write_bytes(b"<!DOCTYPE html>"), "a page of HTML or XML"),
    "lfs": (
        ".safetensors",
        lambda path: path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "a pointer of Git LFS, not the file itself: run git lfs pull",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_suffix_is_refused_with_the_kind_of_file(name: str, tmp_path: Path) -> None:
    suffix, write, kind = FILES[name]
    path = tmp_path / f"model{suffix}"
    write(path)
    assert complaint(path).startswith(f"it is no {suffix} file: it is {kind}")


def test_an_unknown_suffix_is_refused_with_the_kind_of_file(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "model.weights")
    message = complaint(tmp_path / "model.weights")
    assert message.startswith(
        "it is a file of torch.save, call it .pt; its suffix is not one of .safetensors, "
    )


def test_bytes_of_an_unknown_kind_have_no_kind(tmp_path: Path) -> None:
    for content in (b"", b"\x08\x0a", b"PK\x03\x04 cut short", b"\x89HD"):
        (tmp_path / "f").write_bytes(content)
        assert kind_of(tmp_path / "f") == ""


@pytest.mark.parametrize("length", [0x80, 0x3C, 0x8B1F], ids=hex)
def test_a_header_length_that_looks_like_another_kind_is_ignored(length: int, tmp_path: Path) -> None:
    """A .safetensors file begins with the length of its header, here the first bytes of other kinds."""
    header = json.dumps({"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + header.ljust(length) + bytes(4))
    assert kind_of(path) == SAFETENSORS


def test_a_cut_legacy_file_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "f.pt", _use_new_zipfile_serialization=False)
    content = (tmp_path / "f.pt").read_bytes()
    for at in (40, 100, len(content) - 5):
        (tmp_path / "f.pt").write_bytes(content[:at])
        assert complaint(tmp_path / "f.pt").startswith("it is cut short, or no .pt file")


# Data that is not a layer


def keras(prefix: str, *, end: str = "") -> dict[str, Array]:
    stacked = to_keras("lstm", LSTM.inputs("lstm_layer").parameters)
    return {
        f"{prefix}/{path.rpartition('/')[2]}{end}".removeprefix("/"): array for path, array in stacked.items()
    }


def saved(folder: Path, arrays: dict[str, Array]) -> Path:
    np.savez(folder / "f.npz", **arrays)  # type: ignore[arg-type]
    return folder / "f.npz"


@pytest.mark.parametrize("prefix", ["lstm_1", "lstm_1/lstm_1", "bidirectional/forward_lstm", ""])
def test_the_name_kernel_0_is_of_keras(prefix: str, tmp_path: Path) -> None:
    """With and without the name of a cell, which older versions of Keras do not write."""
    for end in ("/lstm_cell", "") if prefix else ("",):
        (layer,) = load(str(saved(tmp_path, keras(f"{prefix}{end}".strip("/"), end=":0")))).layers
        assert (layer.kind, layer.layout, layer.n_x, layer.n_a) == ("lstm", "keras", 3, 4)


OTHERS: dict[str, tuple[dict[str, Array], str]] = {
    "gru": (
        {"g.weight_ih_l0": np.ones((12, 3), "f"), "g.weight_hh_l0": np.ones((12, 4), "f")},
        "g: a GRU",
    ),
    "slots of keras": (keras("optimizer_weights/Adam/m/lstm/lstm_cell", end=":0"), "an optimizer's"),
    "slots of torch": (
        {
            "exp_avg.lstm.weight_ih_l0": np.ones((16, 3), "f"),
            "exp_avg.lstm.weight_hh_l0": np.ones((16, 4), "f"),
        },
        "exp_avg.lstm: an optimizer's",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_skipped_recurrent_data_is_named(name: str, tmp_path: Path) -> None:
    arrays, sentence = OTHERS[name]
    message = complaint(saved(tmp_path, arrays))
    assert message.startswith("it has no RNN or LSTM in it; there is ")
    assert sentence in message
    checkpoint = load(str(saved(tmp_path, {**arrays, **keras("lstm/lstm_cell")})))
    assert [layer.prefix for layer in checkpoint.layers] == ["lstm"]
    assert sentence in "; ".join(checkpoint.skipped)


def quantised() -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such tensors are deprecated
        return torch.quantize_per_tensor(torch.ones(16, 4), 0.1, 0, torch.qint8)


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated:UserWarning")  # of torch
@pytest.mark.parametrize(
    ("value", "what"),
    [
        (torch.ones(16, 4, dtype=torch.int8), "int8, expected floating-point weights, which are quantised"),
        (torch.ones(16, 4, dtype=torch.int64), "int64, expected floating-point weights"),
        (quantised(), "qint8, expected floating-point weights, which are quantised"),
        (torch.ones(16, 4).to_sparse(), "sparse float32, expected floating-point weights"),
        (torch.ones(16, 4, device="meta"), "float32 without its numbers, expected floating-point weights"),
    ],
)
def test_weights_without_numbers_are_refused(value: torch.Tensor, what: str, tmp_path: Path) -> None:
    state = {f"enc.{name}": each for name, each in torch.nn.LSTM(3, 4).state_dict().items()}
    torch.save({**state, "enc.weight_hh_l0": value}, tmp_path / "f.pt")
    assert complaint(tmp_path / "f.pt") == f"enc.weight_hh_l0 is {what}"


# An incomplete layer among others


def test_a_prefix_selects_a_layer_beside_an_incomplete_one(tmp_path: Path) -> None:
    state = {f"{p}.{n}": t for p in ("enc", "dec") for n, t in torch.nn.LSTM(3, 4).state_dict().items()}
    del state["enc.weight_hh_l0"]
    state["enc.weight_hh_l0"] = torch.ones(16, 3)
    torch.save(state, tmp_path / "f.pt")
    why = "parts do not fit: enc.weight_hh_l0 is (16, 3), expected"
    assert complaint(tmp_path / "f.pt", "enc").startswith(why)
    whole = complaint(tmp_path / "f.pt")
    assert whole.startswith(why)
    assert whole.endswith("; to use one of the others, name it as FILE:PREFIX: dec")
    (layer,) = load(f"{tmp_path / 'f.pt'}:dec").layers
    assert layer.prefix == "dec"
    assert complaint(tmp_path / "f.pt", "dec+enc").startswith(why)


def test_two_finite_biases_whose_sum_overflows_are_refused(tmp_path: Path) -> None:
    state = torch.nn.LSTM(3, 4).state_dict()
    for name in ("bias_ih_l0", "bias_hh_l0"):
        state[name][2] = torch.finfo(torch.float32).max
    torch.save(state, tmp_path / "f.pt")
    assert complaint(tmp_path / "f.pt") == "the sum of bias_ih_l0 and bias_hh_l0 overflows float32"
