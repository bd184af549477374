"""The exported model: an ONNX file, run by ONNX Runtime, with what every recurrent node takes and gives."""

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
from oracle.checkpoints.onnx_files import PEEPHOLES, RECURRENT, activation_of, graphs, open_model
from oracle.conversion import from_onnx
from oracle.inputs import LayerInputs
from oracle.parity.layer_pass import ParityError, Passage
from reference.contract import Array, Kind

EXTRA = "onnx"
BATCH, TIME = 2, 7
"""The sizes that are drawn for what is dynamic."""
LARGEST = 10**7
"""Elements of an input that is drawn."""
_OUTPUTS = ("a", "a_last", "c_last")
_PLACES = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")


@dataclass(frozen=True)
class Exported:
    """A model whose recurrent nodes have a name for each of their outputs.

    `passed_over` are the recurrent nodes that are not judged, and why.
    """

    path: Path
    model: Any
    nodes: Sequence[Any]
    passed_over: Sequence[str]

    @property
    def inputs(self) -> dict[str, Any]:
        """What the graph is given, by name."""
        constants = {each.name for each in self.model.graph.initializer}
        return {each.name: each for each in self.model.graph.input if each.name not in constants}

    def run(self, feeds: Mapping[str, Array]) -> tuple[list[Passage], list[Array]]:
        """Every pass through a recurrent node, in the order of the graph, and what the model returns."""
        onnx, runtime = optional("onnx", EXTRA), optional("onnxruntime", EXTRA)
        shown = onnx.ModelProto()
        shown.CopyFrom(self.model)
        returned = [each.name for each in shown.graph.output]
        seen = {name for node in self.nodes for name in (*node.input, *node.output) if name}
        watched = sorted(seen - {*returned} - {*feeds})
        shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in watched)
        options = runtime.SessionOptions()
        options.log_severity_level = 3
        # Tensors beside the file are looked for there, though the model comes from memory.
        folder = str(self.path.resolve().parent)
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        try:
            session = runtime.InferenceSession(
                shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            arrays = session.run([*returned, *watched], dict(feeds))
        except Exception as error:  # of ONNX Runtime, which has many
            raise ParityError(f"{self.path}: ONNX Runtime cannot run it: {_plainly(error)}") from None
        values = {**feeds, **dict(zip([*returned, *watched], arrays, strict=True))}
        return [_passage(node, values) for node in self.nodes], arrays[: len(returned)]


def load(path: Path) -> Exported:
    """The model of a file. Raises `ParityError` where there is none, or no recurrent node that is seen."""
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
    passed_over = []
    for depth, (among, _) in enumerate(inner):
        for node in among:
            if node.op_type not in RECURRENT or not is_onnx(node):
                continue
            if depth:
                passed_over.append(f"{_name(node)}: it stands in a branch or a loop, where it is not seen")
            elif node.op_type == "GRU":
                passed_over.append(f"{_name(node)}: a GRU")
            else:
                nodes.append(node)
    if not nodes:
        others = f"; there is {'; '.join(passed_over)}" if passed_over else ""
        raise ParityError(f"{path}: it has no RNN or LSTM node{others}")
    for k, node in enumerate(nodes):
        count = 3 if node.op_type == "LSTM" else 2
        named = [name or f"{node.op_type} {k} output {i}" for i, name in enumerate(node.output)]
        del node.output[:]
        node.output.extend(named + [f"{node.op_type} {k} output {i}" for i in range(len(named), count)])
    return Exported(path, model, nodes, passed_over)


def drawn(exported: Exported, seed: int) -> dict[str, Array]:
    """Inputs of the shapes that the graph has; of what is dynamic, 2 for a batch and 7 for time."""
    rng = np.random.default_rng(seed)
    sizes: dict[str, int] = {}
    return {name: _drawn(exported, each, sizes, rng) for name, each in exported.inputs.items()}


def _drawn(exported: Exported, value: Any, sizes: dict[str, int], rng: np.random.Generator) -> Array:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        raise ParityError(f"its input {value.name} has no shape: return (module, example inputs)")
    shape: list[int] = []
    for dim in tensor.shape.dim:
        if dim.HasField("dim_value"):
            shape.append(dim.dim_value)
        else:
            name = dim.dim_param or f"{value.name} {len(shape)}"
            shape.append(sizes.setdefault(name, _size(name, is_first=not shape)))
    if prod(shape) > LARGEST:
        raise ParityError(
            f"its input {value.name} has the shape {tuple(shape)}: return (module, example inputs)"
        )
    dtype = optional("onnx", EXTRA).helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    if dtype.kind == "f":
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 2 if dtype.kind == "b" else _rows(exported, value.name), shape).astype(dtype)


def _size(name: str, *, is_first: bool) -> int:
    """By what it is called, or because the batch is usually first."""
    if re.search(r"time|seq|len|step|frame|^t$", name, re.IGNORECASE):
        return TIME
    return BATCH if is_first or re.search(r"batch|^[bn]$", name, re.IGNORECASE) else TIME


def _rows(exported: Exported, name: str) -> int:
    """How many rows there are of the table in which whole numbers are looked up; 2 where there is none."""
    graph = exported.model.graph
    tables = {each.name: each.dims[0] for each in graph.initializer if each.dims}
    looked_up = [node.input[0] for node in graph.node if node.op_type == "Gather" and node.input[1] == name]
    return min((tables[each] for each in looked_up if each in tables), default=2)


def _passage(node: Any, values: Mapping[str, Array]) -> Passage:
    kind: Kind = "rnn" if node.op_type == "RNN" else "lstm"
    names = dict(zip(_PLACES, node.input, strict=False))
    given = {place: values[name] for place, name in names.items() if name}
    x = given["X"]
    # The sum of the biases is taken in float32, as of a module whose weights have 16 bits.
    widened = {place: given[place].astype(np.result_type(np.float32, x)) for place in "WRB" if place in given}
    parameters, D = from_onnx(kind, widened)
    n_a, m = given["R"].shape[2], x.shape[1]
    zero = np.zeros((D, m, n_a if kind == "lstm" else 0), x.dtype)
    a0 = given.get("initial_h", np.zeros((D, m, n_a), x.dtype))
    activation, remarks = _told(node)
    inputs = LayerInputs(
        kind,
        x.transpose(2, 1, 0),
        a0.transpose(0, 2, 1),
        given.get("initial_c", zero).transpose(0, 2, 1),
        parameters,
        x.dtype,
        D,
        given.get("sequence_lens"),
        activation=activation,
    )
    Y, *last = (values[name] for name in node.output)
    outputs = {"a": Y.transpose(1, 3, 2, 0).reshape(D * n_a, m, -1)}
    for name, state in zip(_OUTPUTS[1:], last, strict=False):
        outputs[name] = state.transpose(0, 2, 1).reshape(D * n_a, m, 1)
    return Passage(_name(node), inputs, outputs, tuple(remarks))


def _told(node: Any) -> tuple[str, list[str]]:
    """The activation of an RNN, and what a node has that is not in the contract."""
    onnx = optional("onnx", EXTRA)
    given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    remarks = []
    try:
        activation = activation_of(node, given) or "tanh"
    except CheckpointError as error:
        activation = "tanh"
        remarks.append(str(error))
    if given.get("direction") == b"reverse":
        remarks.append("it runs from the last step back")
    if len(node.input) > PEEPHOLES and node.input[PEEPHOLES]:
        remarks.append("it has peepholes")
    return activation, remarks


def _name(node: Any) -> str:
    return str(node.name or next(filter(None, node.output), node.op_type))


def _plainly(error: Exception) -> str:
    """What ONNX Runtime says, without where in its source."""
    return shortened(
        re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : |\S+\.(cc|h):\d+ \S*( \S+\(.*?\))? ", "", str(error))
    )
