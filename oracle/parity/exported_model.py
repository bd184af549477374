"""The exported model: an ONNX file, run by ONNX Runtime to show the values at its recurrent nodes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.allowance import Allowance
from oracle.checkpoints.constants import is_onnx
from oracle.checkpoints.error import CheckpointError, optional, shortened
from oracle.checkpoints.onnx_files import (
    PEEPHOLES,
    RECURRENT,
    REVERSED,
    activation_of,
    attributes_of,
    graphs,
    open_model,
)
from oracle.conversion import from_onnx
from oracle.inputs import LayerInputs
from oracle.parity.layer_pass import LayerPass, ParityError
from reference.contract import Array, Kind

EXTRA = "onnx"
SMALLEST = 5
"""The first dynamic size of random inputs; each further dynamic size is larger by one."""
LARGEST = 10**7
"""The largest number of elements of a random input."""
_OUTPUTS = ("a", "a_last", "c_last")
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")


@dataclass(frozen=True)
class Exported:
    """A model with a name for each output of its recurrent nodes.

    `skipped` has the recurrent nodes that are not judged, with reasons.
    """

    path: Path
    model: Any
    nodes: Sequence[Any]
    skipped: Sequence[str]

    @property
    def inputs(self) -> dict[str, Any]:
        """The inputs of the graph, by name."""
        constants = {each.name for each in self.model.graph.initializer}
        return {each.name: each for each in self.model.graph.input if each.name not in constants}

    def run(self, feeds: Mapping[str, Array]) -> tuple[list[LayerPass], list[Array]]:
        """The passes through the recurrent nodes, in the order of the graph, and the outputs of the model."""
        onnx, runtime = optional("onnx", EXTRA), optional("onnxruntime", EXTRA)
        shown = onnx.ModelProto()
        shown.CopyFrom(self.model)
        returned = [each.name for each in shown.graph.output]
        seen = {name for node in self.nodes for name in (*node.input, *node.output) if name}
        names = [*returned, *sorted(seen - {*returned} - {*feeds})]
        shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names[len(returned) :])
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        # ONNX Runtime gets the model from memory, so it needs the folder of the external tensors.
        folder = str(self.path.resolve().parent)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        try:
            content = shown.SerializeToString()
            session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            arrays = session.run(names, dict(feeds))
        except Exception as error:  # of ONNX Runtime, which has many
            raise ParityError(f"{self.path}: ONNX Runtime cannot run it: {_plain(error)}") from None
        values = {**feeds, **dict(zip(names, arrays, strict=True))}
        return [_pass(node, values) for node in self.nodes], arrays[: len(returned)]


def load(path: Path) -> Exported:
    """The model of a file. Raises `ParityError` if the file has no recurrent node outside of branches."""
    for package in ("onnx", "onnxruntime"):
        optional(package, EXTRA)
    if not path.is_file():
        raise ParityError(f"{path}: there is no such file")
    allowance = Allowance.of(path.stat().st_size)
    try:
        model = open_model(path, allowance)
        inner = [*graphs(model.graph, allowance)]
    except CheckpointError as error:
        raise ParityError(f"{path}: {error}") from None
    except Exception as error:  # of a library that reads what anybody may have written
        raise ParityError(f"{path}: it is cut short, or no .onnx file: {shortened(error, 120)}") from None
    nodes: list[Any] = []
    skipped = []
    for depth, (among, _) in enumerate(inner):
        for node in among:
            if node.op_type not in RECURRENT or not is_onnx(node):
                continue
            if depth:
                skipped.append(f"{_name(node)}: its inputs in a branch or a loop are not visible")
            elif node.op_type == "GRU":
                skipped.append(f"{_name(node)}: a GRU")
            else:
                nodes.append(node)
    if not nodes:
        others = f"; there is {'; '.join(skipped)}" if skipped else ""
        raise ParityError(f"{path}: it has no RNN or LSTM node{others}")
    for k, node in enumerate(nodes):
        count = max(len(node.output), 3 if node.op_type == "LSTM" else 2)
        given = [*node.output, *[""] * count][:count]
        node.output[:] = [name or f"{node.op_type} {k} output {i}" for i, name in enumerate(given)]
    return Exported(path, model, nodes, skipped)


def random_inputs(exported: Exported, seed: int) -> dict[str, Array]:
    """Random inputs with the shapes of the graph; dynamic sizes are distinct."""
    rng = np.random.default_rng(seed)
    sizes: dict[str, int] = {}
    found = {}
    for name, value in exported.inputs.items():
        tensor = value.type.tensor_type
        if not tensor.HasField("shape"):
            raise ParityError(f"its input {name} has no shape: return (module, example inputs)")
        shape: list[int] = []
        for dim in tensor.shape.dim:
            called = dim.dim_param or f"{name} {len(shape)}"
            is_known = dim.HasField("dim_value")
            shape.append(dim.dim_value if is_known else sizes.setdefault(called, SMALLEST + len(sizes)))
        if prod(shape) > LARGEST:
            raise ParityError(f"its input {name} has the shape {(*shape,)}: return (module, example inputs)")
        dtype = optional("onnx", EXTRA).helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        if dtype.kind == "f":
            found[name] = rng.standard_normal(shape).astype(dtype)
        else:
            limit = 2 if dtype.kind == "b" else _rows(exported.model.graph, name)
            found[name] = rng.integers(0, limit, shape).astype(dtype)
    return found


def _rows(graph: Any, name: str) -> int:
    """The number of rows of the table that an integer input indexes; 2 without a table."""
    tables = {each.name: each.dims[0] for each in graph.initializer if each.dims}
    indexed = [node.input[0] for node in graph.node if node.op_type == "Gather" and node.input[1] == name]
    return min((tables[each] for each in indexed if each in tables), default=2)


def _pass(node: Any, values: Mapping[str, Array]) -> LayerPass:
    kind: Kind = "rnn" if node.op_type == "RNN" else "lstm"
    given = {at: values[name] for at, name in zip(_INPUTS, node.input, strict=False) if name}
    x = given["X"]
    # As in torch, the biases of 16-bit weights are added in float32.
    widened = {at: given[at].astype(np.result_type(np.float32, x)) for at in "WRB" if at in given}
    parameters, D = from_onnx(kind, widened)
    n_a, m = given["R"].shape[2], x.shape[1]
    a0, c0 = (
        given.get(name, np.zeros((D, m, n), x.dtype)).transpose(0, 2, 1)
        for name, n in (("initial_h", n_a), ("initial_c", n_a if kind == "lstm" else 0))
    )
    activation, remarks = _attributes(node)
    lengths = given.get("sequence_lens")
    inputs = LayerInputs(
        kind, x.transpose(2, 1, 0), a0, c0, parameters, x.dtype, D, lengths, activation=activation
    )
    Y, *last = (values[name] for name in node.output)
    outputs = {"a": Y.transpose(1, 3, 2, 0).reshape(D * n_a, m, -1)}
    for name, state in zip(_OUTPUTS[1:], last, strict=False):
        outputs[name] = state.transpose(0, 2, 1).reshape(D * n_a, m, 1)
    return LayerPass.of(_name(node), inputs, outputs, remarks=tuple(remarks))


def _attributes(node: Any) -> tuple[str, list[str]]:
    """The activation of an RNN, and the properties of a node outside of the contract."""
    given, remarks = attributes_of(node), []
    try:
        activation = activation_of(node, given) or "tanh"
    except CheckpointError as error:
        activation = "tanh"
        remarks.append(str(error))
    if given.get("direction") == b"reverse":
        remarks.append(REVERSED)
    if len(node.input) > PEEPHOLES and node.input[PEEPHOLES]:
        remarks.append("it has peepholes")
    return activation, remarks


def _name(node: Any) -> str:
    return str(node.name or next(filter(None, node.output), node.op_type))


def _plain(error: Exception) -> str:
    """The message of ONNX Runtime without the place in its source."""
    source = r"\[ONNXRuntimeError\] : \d+ : \w+ : |\S+\.(cc|h):\d+ \S*( \S+\(.*?\))? "
    return shortened(re.sub(source, "", str(error)))
