"""Small files of weights that would hang a reader, fill its memory, or break its output; not of ONNX."""

import json
import pickle
import zipfile
import zlib
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
    """A `.pt` whose storages are 300 MB of zeros, compressed a thousandfold."""
    whole, path = folder / "whole.pt", folder / "zeros.pt"
    torch.save({"weight_hh_l0": torch.zeros(75 * 2**20)}, whole)
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


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.given = function, arguments

    def __reduce__(self) -> Any:
        return self.given


def bytes_of_nothing(folder: Path) -> Path:
    """A `.pt` whose pickle makes 8 GiB of bytes."""
    torch.save({"weight_hh_l0": torch.ones(16, 4), "more": Call(bytearray, 2**33)}, folder / "bytes.pt")
    return folder / "bytes.pt"


def bytes_of_a_legacy_file(folder: Path) -> Path:
    """The same in torch's older file format."""
    content = {"weight_hh_l0": torch.ones(16, 4), "more": Call(bytearray, 2**33)}
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
    needs("safetensors")
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
    np.savez_compressed(folder / "wide.npz", **arrays)  # type: ignore[arg-type]
    return folder / "wide.npz"


def archive_of_torch(path: Path, program: bytes, name: str = "data.pkl") -> Path:
    """Write an archive of torch with this pickle."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"archive/{name}", program)
        archive.writestr("archive/version", "3\n")
    return path


def zip_after_a_legacy_file(folder: Path) -> Path:
    """A legacy file whose pickle makes 8 GiB of bytes, with a harmless archive at its end."""
    return archive_of_torch(bytes_of_a_legacy_file(folder), pickle.dumps({}, 2))


def pickle_in_capitals(folder: Path) -> Path:
    """An archive with a harmless pickle, and one called DATA.PKL, which torch reads in its place."""
    path = archive_of_torch(folder / "capitals.pt", pickle.dumps(Call(bytearray, 2**33), 2), "DATA.PKL")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other/data.pkl", pickle.dumps({}, 2))
    return path


def shared_lists(folder: Path) -> Path:
    """A tensor of nested lists, each of which is the next one twice: 2^40 numbers."""
    numbers: Any = [1.0]
    for _ in range(40):
        numbers = [numbers, numbers]
    content = {"weight_hh_l0": Call(torch.FloatTensor, numbers)}
    return archive_of_torch(folder / "lists.pt", pickle.dumps(content, 2))


def unset_memory(folder: Path) -> Path:
    """Weights that are memory which nobody has set."""
    shapes = {"weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4)}
    content = {name: Call(torch.FloatTensor, *shape) for name, shape in shapes.items()}
    return archive_of_torch(folder / "unset.pt", pickle.dumps(content, 2))


def slow_hash(folder: Path) -> Path:
    """A key of nested tuples, whose hash takes 2^45 steps."""
    key: Any = ()
    for _ in range(45):
        key = (key, key)
    program = pickle.dumps(key, 2)
    return archive_of_torch(folder / "hash.pt", program[:2] + b"}" + program[2:-1] + b"Ns.")


def late_protocol(folder: Path) -> Path:
    """Weights whose pickle has a protocol that torch does not read with `weights_only`."""
    torch.save({"weight_hh_l0": torch.ones(16, 4)}, folder / "late.pt", pickle_protocol=4)
    return folder / "late.pt"


def slow_text(folder: Path) -> Path:
    """A tensor whose dtype is nested lists, whose text takes 2^45 steps."""
    dtype: Any = [0]
    for _ in range(45):
        dtype = [dtype, dtype]
    program = b"ctorch._utils\n_rebuild_meta_tensor_no_storage\n(" + pickle.dumps(dtype, 2)[2:-1]
    program = b"\x80\x02}X\x0c\0\0\0weight_hh_l0" + program + b"K\x10K\x04\x86K\x04K\x01\x86\x89tRs."
    return archive_of_torch(folder / "text.pt", program)


def deep_mappings(folder: Path) -> Path:
    """A `.pt` with 4,000 nested mappings."""
    program = b"\x80\x02" + 4000 * b"}X\x01\0\0\0a" + b"}" + 4000 * b"s" + b"."
    return archive_of_torch(folder / "deep.pt", program)


def saved_npz(folder: Path, arrays: dict[str, Any]) -> Path:
    """An `.npz` with these arrays, whose names may be long."""
    with zipfile.ZipFile(folder / "arrays.npz", "w") as archive:
        for name, array in arrays.items():
            stream = BytesIO()
            np.save(stream, array)
            archive.writestr(f"{name}.npy", stream.getvalue())
    return folder / "arrays.npz"


def many_directions(folder: Path) -> Path:
    """A weight of ONNX that has a thousand million directions and no numbers."""
    arrays = {"W": np.ones((10**9, 0, 3), "f"), "R": np.ones((1, 16, 4), "f")}
    return saved_npz(folder, arrays)


def many_biases(folder: Path) -> Path:
    """The same for the bias."""
    arrays = {"W": (1, 16, 3), "R": (1, 16, 4), "B": (10**9, 0)}
    return saved_npz(folder, {name: np.ones(shape, "f") for name, shape in arrays.items()})


def projection_to_nothing(folder: Path) -> Path:
    """An LSTM with a projection to 0 units."""
    n = 10**8
    shapes = {"weight_ih_l0": (4 * n, 0), "weight_hh_l0": (4 * n, 0), "weight_hr_l0": (0, n)}
    return saved_npz(folder, {name: np.ones(shape, "f") for name, shape in shapes.items()})


def wide_header(folder: Path) -> Path:
    """An `.npz` with an array whose header claims 2^32 - 1 bytes, zeros that are compressed."""
    with zipfile.ZipFile(folder / "header.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weight_hh_l0.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + bytes(2**28))
    return folder / "header.npz"


HEADS = {
    ".pt": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
    ".npz": b"PK\x03\x04",
    ".keras": b"PK\x03\x04",
    ".h5": b"\x89HDF\r\n\x1a\n",
    ".onnx": b"\x08\x0a",
    ".safetensors": (6 * 2**30).to_bytes(8, "little") + b"{",
}


def hole(folder: Path, suffix: str) -> Path:
    """A file that begins like its kind, and goes on with a hole of 6 GiB."""
    path = folder / f"hole{suffix}"
    with path.open("wb") as file:
        file.write(HEADS[suffix])
        file.truncate(6 * 2**30)
    return path


def wide_chunk(folder: Path, size: int = 2**29) -> Path:
    """An `.h5` with one compressed chunk of zeros."""
    h5py = needs("h5py")
    with h5py.File(folder / "chunk.h5", "w") as file:
        made = file.create_dataset("cell/kernel", (size,), "u1", chunks=(size,), compression="gzip")
        made.id.write_direct_chunk((0,), zlib.compress(bytes(size), 1))
    return folder / "chunk.h5"


def linked_name(folder: Path) -> Path:
    """An `.h5` whose layer has its name in another file."""
    h5py = needs("h5py")
    with h5py.File(folder / "other.h5", "w") as file:
        file.create_group("vars").attrs["name"] = "secret"
    with h5py.File(folder / "linked.h5", "w") as file:
        for k, shape in enumerate([(3, 16), (4, 16), (16,)]):
            file[f"layers/lstm/cell/vars/{k}"] = np.ones(shape, "f")
        file["layers/lstm/vars"] = h5py.ExternalLink("other.h5", "vars")
    return folder / "linked.h5"


def saved_safetensors(folder: Path, arrays: dict[str, Any]) -> Path:
    """A `.safetensors` with these float32 arrays."""
    needs("safetensors")
    header, content = {}, b""
    for name, array in arrays.items():
        offsets = [len(content), len(content) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": offsets}
        content += array.tobytes()
    text = json.dumps(header).encode()
    (folder / "named.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + content)
    return folder / "named.safetensors"


def named(folder: Path, prefix: str) -> Path:
    """A `.safetensors` with an LSTM whose names begin with this prefix."""
    shapes = {"weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4)}
    arrays = {f"{prefix}.{role}": np.ones(shape, "f") for role, shape in shapes.items()}
    return saved_safetensors(folder, arrays)
