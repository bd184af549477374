"""Small files of weights that would hang a reader, fill its memory, or break its output."""

import json
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

HUGE = 2**32
"""Elements: 16 GiB of float32."""


def needs(package: str) -> Any:
    """The package, or the test is skipped."""
    return pytest.importorskip(package, reason=f"{package} is not installed: pip install -e '.[checkpoints]'")


def save_onnx(
    path: Path, nodes: Sequence[Any], tensors: Sequence[Any] = (), functions: Sequence[Any] = ()
) -> Path:
    """A model with these nodes, tensors (a TensorProto, or a name and an array) and functions."""
    onnx = needs("onnx")
    helper = onnx.helper
    initializers = [
        onnx.numpy_helper.from_array(each[1], each[0]) if isinstance(each, tuple) else each
        for each in tensors
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("X", 1, None)],
        [onnx.ValueInfoProto(name="Y")],
        initializers,
    )
    opsets = [helper.make_opsetid("", 22), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, functions=functions)
    path.write_bytes(model.SerializeToString())
    return path


def lstm_node(**names: str) -> Any:
    """An LSTM node called `n` whose inputs have the names `X`, `W`, `R` and `B`, unless told otherwise."""
    inputs = [names.get(letter, letter) for letter in "XWRB"]
    return needs("onnx").helper.make_node("LSTM", inputs, ["Y"], name="n", hidden_size=4)


LSTM = (("W", np.ones((1, 16, 3), "f")), ("R", np.ones((1, 16, 4), "f")), ("B", np.ones((1, 32), "f")))


def ring_before_a_node(folder: Path) -> Path:
    """The input of an LSTM comes from a ring of Identity nodes."""
    make = needs("onnx").helper.make_node
    ring = [make("Identity", ["r0"], ["r1"]), make("Identity", ["r1"], ["r0"])]
    return save_onnx(folder / "ring.onnx", [*ring, lstm_node(X="r0")], LSTM)


def ring_of_weights(folder: Path) -> Path:
    """A weight of an LSTM comes from a ring of Identity nodes."""
    make = needs("onnx").helper.make_node
    ring = [make("Identity", ["r0"], ["r1"]), make("Identity", ["r1"], ["r0"])]
    return save_onnx(folder / "ring_of_weights.onnx", [*ring, lstm_node(W="r0")], LSTM)


def long_chain(folder: Path) -> Path:
    """Every one of 2,000 LSTMs takes the end of a chain of 2,000 Identity nodes."""
    make = needs("onnx").helper.make_node
    chain = [make("Identity", [f"c{k}" if k else "X"], [f"c{k + 1}"]) for k in range(2000)]
    lstms = [make("LSTM", ["c2000", "W", "R", "B"], [f"Y{k}"], name=f"n{k}") for k in range(2000)]
    return save_onnx(folder / "chain.onnx", [*chain, *lstms], LSTM)


def functions_tenfold(folder: Path) -> Path:
    """Ten functions each of which calls the next one ten times."""
    helper = needs("onnx").helper
    opsets = [helper.make_opsetid("", 22), helper.make_opsetid("own", 1)]
    functions = []
    for k in range(10):
        call = [helper.make_node(f"f{k + 1}", [f"t{i}"], [f"t{i + 1}"], domain="own") for i in range(10)]
        last = [helper.make_node("Identity", [f"t{i}"], [f"t{i + 1}"]) for i in range(10)]
        functions.append(
            helper.make_function("own", f"f{k}", ["t0"], ["t10"], call if k < 9 else last, opsets)
        )
    nodes = [helper.make_node("f0", ["X"], ["x"], domain="own"), lstm_node(X="x")]
    return save_onnx(folder / "functions.onnx", nodes, LSTM, functions)


def functions_in_a_ring(folder: Path) -> Path:
    """A function that calls itself."""
    helper = needs("onnx").helper
    opsets = [helper.make_opsetid("", 22), helper.make_opsetid("own", 1)]
    body = [helper.make_node("f", ["t"], ["u"], domain="own")]
    function = helper.make_function("own", "f", ["t"], ["u"], body, opsets)
    nodes = [helper.make_node("f", ["X"], ["x"], domain="own"), lstm_node(X="x")]
    return save_onnx(folder / "recursive.onnx", nodes, LSTM, [function])


def doubled(folder: Path) -> Path:
    """A weight that is computed by 40 nodes Concat(x, x)."""
    make = needs("onnx").helper.make_node
    chain = [make("Concat", [f"c{k}"] * 2, [f"c{k + 1}"], axis=0) for k in range(40)]
    return save_onnx(folder / "doubled.onnx", [*chain, lstm_node(W="c40")], [*LSTM, ("c0", np.ones(64, "f"))])


def gathered(folder: Path) -> Path:
    """A weight that takes a large row 100,000 times."""
    make = needs("onnx").helper.make_node
    tensors = [*LSTM, ("rows", np.ones((1, 10**5), "f")), ("picks", np.zeros(10**5, np.int64))]
    return save_onnx(
        folder / "gathered.onnx",
        [make("Gather", ["rows", "picks"], ["w"], axis=0), lstm_node(W="w")],
        tensors,
    )


def sparse_constant(folder: Path) -> Path:
    """A weight that is a sparse constant of 2^40 elements, of which one is there."""
    onnx = needs("onnx")
    values = onnx.numpy_helper.from_array(np.ones(1, "f"), "v")
    indices = onnx.numpy_helper.from_array(np.zeros(1, np.int64), "i")
    sparse = onnx.helper.make_sparse_tensor(values, indices, [2**40])
    constant = onnx.helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    return save_onnx(folder / "sparse.onnx", [constant, lstm_node(W="w")], LSTM)


def external_many_times(folder: Path) -> Path:
    """10,000 tensors that are all the same megabyte of another file."""
    onnx = needs("onnx")
    (folder / "beside.bin").write_bytes(bytes(2**20))
    tensors = []
    for k in range(10_000):
        tensor = onnx.TensorProto(name=f"t{k}", dims=[2**18], data_type=1, data_location=1)
        for key, value in (("location", "beside.bin"), ("offset", "0"), ("length", str(2**20))):
            tensor.external_data.add(key=key, value=value)
        tensors.append(tensor)
    return save_onnx(folder / "external.onnx", [], tensors)


def zeros_npz(folder: Path, rows: int = HUGE // 4) -> Path:
    """Zeros, compressed a thousandfold; a header that claims them and a member of the same size."""
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
    """A pickle that makes 8 GiB of nothing, as torch lets pickles do."""

    def __reduce__(self) -> Any:
        return bytearray, (2**33,)


def bytes_of_nothing(folder: Path) -> Path:
    """A `.pt` whose pickle makes 8 GiB of bytes."""
    torch.save({"weight_hh_l0": torch.ones(16, 4), "more": Wide()}, folder / "bytes.pt")
    return folder / "bytes.pt"


def bytes_of_a_legacy_file(folder: Path) -> Path:
    """The same in the format that torch wrote before."""
    content = {"weight_hh_l0": torch.ones(16, 4), "more": Wide()}
    torch.save(content, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    return folder / "legacy.pt"


def nested_mappings(folder: Path) -> Path:
    """A `.pt` with mappings that hold one other twice, 60 deep."""
    inner: Any = {"weight_ih_l0": torch.ones(16, 3)}
    for _ in range(60):
        inner = {"a": inner, "b": inner}
    torch.save(inner, folder / "nested.pt")
    return folder / "nested.pt"


def mapping_in_itself(folder: Path) -> Path:
    """A `.pt` with a mapping that holds itself."""
    own: dict[str, Any] = {"weight_ih_l0": torch.ones(16, 3), "more": {"bias_ih_l0": torch.ones(16)}}
    own["own"] = own
    torch.save(own, folder / "itself.pt")
    return folder / "itself.pt"


def claimed_h5(folder: Path) -> Path:
    """An `.h5` whose data set claims 16 GiB, of which none is there."""
    h5py = needs("h5py")
    with h5py.File(folder / "claimed.h5", "w") as file:
        file.create_dataset("lstm/lstm_cell/kernel", shape=(HUGE // 4, 4), dtype="f4", chunks=(2**16, 4))
    return folder / "claimed.h5"


def claimed_safetensors(folder: Path) -> Path:
    """A `.safetensors` of 16 GiB that takes no room on the disk."""
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
    doubled,
    gathered,
    external_many_times,
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
"""Those that take memory."""
