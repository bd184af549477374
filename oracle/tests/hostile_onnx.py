"""Small ONNX models that would hang a reader or fill its memory."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oracle.tests.hostile_files import needs


def save_onnx(
    path: Path, nodes: Sequence[Any], tensors: Sequence[Any] = (), functions: Sequence[Any] = ()
) -> Path:
    """Save a model with these nodes, functions and tensors (a TensorProto, or a name and an array)."""
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
    """An LSTM node called `n` whose inputs have these names; by default `X`, `W`, `R` and `B`."""
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


def split_into_many(folder: Path) -> Path:
    """A weight that is the first of 2 * 10^9 parts."""
    split = needs("onnx").helper.make_node("Split", ["W"], ["w"], num_outputs=2 * 10**9, axis=0)
    return save_onnx(folder / "split.onnx", [split, lstm_node(W="w")], LSTM)


def cast_to_text(folder: Path) -> Path:
    """A weight of 33 million numbers, each of which becomes a text."""
    cast = needs("onnx").helper.make_node("Cast", ["numbers"], ["w"], to=8)
    tensors = [*LSTM, ("numbers", np.zeros(2**25, np.uint8))]
    return save_onnx(folder / "cast.onnx", [cast, lstm_node(W="w")], tensors)


def filled(folder: Path) -> Path:
    """A weight of 2^40 numbers, which a node makes."""
    fill = needs("onnx").helper.make_node("ConstantOfShape", ["shape"], ["w"])
    return save_onnx(folder / "filled.onnx", [fill, lstm_node(W="w")], [*LSTM, ("shape", np.array([2**40]))])


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
    """A weight that repeats a large row 100,000 times."""
    make = needs("onnx").helper.make_node
    tensors = [*LSTM, ("rows", np.ones((1, 10**5), "f")), ("picks", np.zeros(10**5, np.int64))]
    return save_onnx(
        folder / "gathered.onnx",
        [make("Gather", ["rows", "picks"], ["w"], axis=0), lstm_node(W="w")],
        tensors,
    )


def sparse_constant(folder: Path) -> Path:
    """A weight that is a sparse constant of 2^40 elements, one of which is stored."""
    onnx = needs("onnx")
    values = onnx.numpy_helper.from_array(np.ones(1, "f"), "v")
    indices = onnx.numpy_helper.from_array(np.zeros(1, np.int64), "i")
    sparse = onnx.helper.make_sparse_tensor(values, indices, [2**40])
    constant = onnx.helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    return save_onnx(folder / "sparse.onnx", [constant, lstm_node(W="w")], LSTM)


def external_many_times(folder: Path) -> Path:
    """A weight of 10,000 joined tensors, which all are the same megabyte of another file."""
    onnx = needs("onnx")
    (folder / "beside.bin").write_bytes(bytes(2**20))
    tensors = []
    for k in range(10_000):
        tensor = onnx.TensorProto(name=f"t{k}", dims=[2**18], data_type=1, data_location=1)
        for key, value in (("location", "beside.bin"), ("offset", "0"), ("length", str(2**20))):
            tensor.external_data.add(key=key, value=value)
        tensors.append(tensor)
    join = onnx.helper.make_node("Concat", [each.name for each in tensors], ["w"], axis=0)
    return save_onnx(folder / "external.onnx", [join, lstm_node(W="w")], [*LSTM, *tensors])


def external_hole(folder: Path) -> Path:
    """A weight in another file, which is a hole of 6 GiB."""
    onnx = needs("onnx")
    with (folder / "hole.bin").open("wb") as file:
        file.truncate(6 * 2**30)
    tensor = onnx.TensorProto(name="w", dims=[6 * 2**28], data_type=1, data_location=1)
    tensor.external_data.add(key="location", value="hole.bin")
    return save_onnx(folder / "hole.onnx", [lstm_node(W="w")], [*LSTM, tensor])
