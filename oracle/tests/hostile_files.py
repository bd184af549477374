"""Small files of weights that would hang a reader, fill its memory, or break its output; not of ONNX."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

HUGE = 2**32
"""A number of elements: 16 GiB of float32."""


def needs(package: str) -> Any:
    """Import a package. If it is missing, skip the test."""
    return pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[checkpoints]'")


def zeros_npz(folder: Path, rows: int = HUGE // 4) -> Path:
    """An `.npz` of zeros, compressed a thousandfold."""
    path = folder / "zeros.npz"
    header = BytesIO()
    claim: Any = {"descr": "<f4", "fortran_order": False, "shape": (rows, 4)}
    np.lib.format.write_array_header_1_0(header, claim)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weight_hh_l0.npy", header.getvalue() + bytes(8 * 2**20))
    return path


def zeros_keras(folder: Path) -> Path:
    """A `.keras` whose inner file is 200 MB of zeros, compressed a thousandfold."""
    path = folder / "zeros.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", bytes(200 * 2**20))
    return path


def zeros_pt(folder: Path) -> Path:
    """A `.pt` whose storages are 200 MB of zeros, compressed a thousandfold."""
    whole, path = folder / "whole.pt", folder / "zeros.pt"
    torch.save({"weight_hh_l0": torch.zeros(50 * 2**20)}, whole)
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in given.namelist():
            archive.writestr(name, given.read(name))
    whole.unlink()
    return path


def stride_0(folder: Path) -> Path:
    """A `.pt` with a tensor of 16 GiB that is one number."""
    weights = {"weight_ih_l0": torch.zeros(1).expand(HUGE // 4, 4), "weight_hh_l0": torch.ones(16, 4)}
    torch.save(weights, folder / "stride.pt")
    return folder / "stride.pt"


class Wide:
    """A pickle that makes 8 GiB of zeros, which torch allows."""

    def __reduce__(self) -> Any:
        return bytearray, (2**33,)


def bytes_of_nothing(folder: Path) -> Path:
    """A `.pt` whose pickle makes 8 GiB of bytes."""
    torch.save({"weight_hh_l0": torch.ones(16, 4), "more": Wide()}, folder / "bytes.pt")
    return folder / "bytes.pt"


def bytes_of_a_legacy_file(folder: Path) -> Path:
    """The same in torch's older file format."""
    content = {"weight_hh_l0": torch.ones(16, 4), "more": Wide()}
    torch.save(content, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    return folder / "legacy.pt"


def nested_mappings(folder: Path) -> Path:
    """A `.pt` with 60 nested mappings, each of which has the next one twice."""
    inner: Any = {"weight_ih_l0": torch.ones(16, 3)}
    for _ in range(60):
        inner = {"a": inner, "b": inner}
    torch.save(inner, folder / "nested.pt")
    return folder / "nested.pt"


def mapping_in_itself(folder: Path) -> Path:
    """A `.pt` with a mapping that contains itself."""
    own: dict[str, Any] = {"weight_ih_l0": torch.ones(16, 3), "more": {"bias_ih_l0": torch.ones(16)}}
    own["own"] = own
    torch.save(own, folder / "itself.pt")
    return folder / "itself.pt"


def claimed_h5(folder: Path) -> Path:
    """An `.h5` whose data set claims 16 GiB, but has no data."""
    h5py = needs("h5py")
    with h5py.File(folder / "claimed.h5", "w") as file:
        file.create_dataset("lstm/lstm_cell/kernel", shape=(HUGE // 4, 4), dtype="f4", chunks=(2**16, 4))
    return folder / "claimed.h5"


def claimed_safetensors(folder: Path) -> Path:
    """A sparse `.safetensors` of 16 GiB, which takes no space on the disk."""
    size = 4 * HUGE
    header = json.dumps(
        {"weight_ih_l0": {"dtype": "F32", "shape": [HUGE // 4, 4], "data_offsets": [0, size]}}
    ).encode()
    with (folder / "claimed.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)
    return folder / "claimed.safetensors"


def many_layers(folder: Path, count: int = 10_000) -> Path:
    """An `.npz` of 10,000 LSTMs of two units."""
    arrays = {}
    for k in range(count):
        for role, shape in (("weight_ih", (8, 2)), ("weight_hh", (8, 2)), ("bias_ih", 8), ("bias_hh", 8)):
            arrays[f"layers.{k}.lstm.{role}_l0"] = np.full(shape, 0.25, "f")
    torch.save({name: torch.from_numpy(each) for name, each in arrays.items()}, folder / "many.pt")
    return folder / "many.pt"


def wide_layer(folder: Path, n: int = 2000) -> Path:
    """One LSTM of 2,000 units, whose weights are zeros, compressed."""
    arrays = {
        "weight_ih_l0": np.zeros((4 * n, 2), "f"),
        "weight_hh_l0": np.zeros((4 * n, n), "f"),
        "bias_ih_l0": np.zeros(4 * n, "f"),
        "bias_hh_l0": np.zeros(4 * n, "f"),
    }
    np.savez_compressed(folder / "wide.npz", allow_pickle=False, **arrays)
    return folder / "wide.npz"


UNFOLDING = (
    zeros_npz,
    zeros_keras,
    zeros_pt,
    stride_0,
    bytes_of_nothing,
    bytes_of_a_legacy_file,
    claimed_h5,
    claimed_safetensors,
    wide_layer,
)
"""The files that would take memory."""
