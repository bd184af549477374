"""Runs an exported ONNX file in a process of its own, and records every recurrent node."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints import CheckpointError, RecurrentLayer, reading_process
from oracle.checkpoints.contents import import_optional, shorten
from oracle.checkpoints.files import read
from oracle.checkpoints.onnx_files import attributes_of, inputs_of, is_onnx, open_model
from oracle.problems.inputs import LayerInputs
from oracle.weights.conversion import from_onnx
from reference.contract import Array, Kind
from reference.networks import NETWORKS

_KINDS: Mapping[str, Kind] = {"RNN": "rnn", "LSTM": "lstm"}


@dataclass(frozen=True)
class LayerPass:
    """One pass through a layer: its parameters, inputs and outputs."""

    layer: RecurrentLayer  # its prefix is the name of the node, or of the module with the layer's number
    inputs: LayerInputs
    outputs: Mapping[str, Array]  # `a`, `a_last` and `c_last`, of shape (n, m, T_x) or (n, m, 1)

    @property
    def used_inputs(self) -> dict[str, Array]:
        """The initial states, and the sequence up to the end of the longest sample, with 0 in the padding."""
        x = np.where(self.inputs.within, self.inputs.x, 0)[:, :, : self._steps]
        return {"x": x, "a0": self.inputs.a0, "c0": self.inputs.c0}

    @property
    def used_outputs(self) -> dict[str, Array]:
        """The outputs up to the end of the longest sample."""
        return {name: array[:, :, : self._steps] for name, array in self.outputs.items()}

    @property
    def _steps(self) -> int:
        """The number of steps of the longest sample. A packed sequence does not contain more."""
        return int(self.inputs.ends.max(initial=0))


def run_exported(
    path: Path, examples: Sequence[tuple[str, Array]], memory_limit: int
) -> tuple[list[LayerPass], list[Array]]:
    """Return the passes through the recurrent nodes, in the order of the graph, and the model's outputs.

    `examples` are the example inputs, with their names. Nodes in branches and loops have no pass. The file is
    read and run in another process. Raises `CheckpointError`, whose message begins with the file.
    """
    given = str(path), [*map(list, examples)]
    nodes, outputs = reading_process.call(str(path), record_nodes, *given, memory_limit=memory_limit)
    passes = []
    for name, kind, D, parameters, remarks, x, a0, c0, lengths, activation, of_node in nodes:
        layer = RecurrentLayer(name, kind, "onnx", D, parameters, remarks=tuple(remarks))
        inputs = LayerInputs(kind, x, a0, c0, parameters, x.dtype, D, lengths, activation=activation)
        passes.append(LayerPass(layer, inputs, of_node))
    return passes, outputs


def record_nodes(file: str, examples: Sequence[tuple[str, Array]]) -> tuple[list[Any], list[Array]]:
    """Run the model in this process. Returns the fields of the passes, and the model's outputs.

    The inputs and outputs of the recurrent nodes become outputs of the graph. This excludes nodes in branches
    and loops.
    """
    runtime = [import_optional(package) for package in ("onnx", "onnxruntime")][1]
    model = read(Path(file), ".onnx", open_model)
    feeds = _feeds(model.graph, examples)
    nodes = [node for node in model.graph.node if node.op_type in _KINDS and is_onnx(node)]
    if not nodes:
        raise CheckpointError("it has no RNN or LSTM node outside of branches and loops")
    for k, node in enumerate(nodes):
        absent = (3 if node.op_type == "LSTM" else 2) - len(node.output)
        names = [*node.output, *[""] * absent]
        node.output[:] = [name or f"{node.op_type} {k} output {i}" for i, name in enumerate(names)]
    outputs = [each.name for each in model.graph.output]
    values_of_nodes = {name for node in nodes for name in (*node.input, *node.output) if name}
    added = sorted(values_of_nodes - {*outputs} - {*feeds})
    for name in added:
        model.graph.output.add(name=name)
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # every thread takes address space
    # ONNX Runtime gets the model from memory, so it needs the folder of the external tensors.
    folder = str(Path(file).resolve().parent)
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    providers = ["CPUExecutionProvider"]
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=providers)
        arrays = session.run([*outputs, *added], feeds)
    except Exception as error:  # ONNX Runtime raises many kinds of errors
        if "bad_alloc" in str(error) or "allocate memory" in str(error):
            raise MemoryError from None
        raise CheckpointError(f"ONNX Runtime cannot run it: {shorten(error)}") from None
    values = {**feeds, **dict(zip([*outputs, *added], arrays, strict=True))}
    for name, array in values.items():
        if not (isinstance(array, np.ndarray) and array.dtype.kind in "biuf"):
            raise CheckpointError(f"{name} is no array of numbers")
    return [_fields_of_pass(node, values) for node in nodes], arrays[: len(outputs)]


def _feeds(graph: Any, examples: Sequence[tuple[str, Array]]) -> dict[str, Array]:
    """Return the example inputs by the names of the graph's inputs, matched by name, or else by order."""
    constants = {each.name for each in graph.initializer}
    names = [each.name for each in graph.input if each.name not in constants]
    if len(examples) != len(names):
        takes = f"it takes {len(names)}: {', '.join(names) or 'none'}"
        raise CheckpointError(f"there are {len(examples)} tensors in the example inputs, and {takes}")
    if {name for name, _ in examples} == {*names}:
        return dict(examples)
    return {name: array for name, (_, array) in zip(names, examples, strict=True)}


def _fields_of_pass(node: Any, values: Mapping[str, Array]) -> tuple[Any, ...]:
    kind = _KINDS[node.op_type]
    arrays = {each: values[name] for each, name in inputs_of(node).items()}
    x, lengths = arrays["X"], arrays.get("sequence_lens")
    # As in torch, the biases of 16-bit weights are added in float32.
    wide = np.result_type(np.float32, x)
    parameters, D = from_onnx(kind, {each: arrays[each].astype(wide) for each in "WRB" if each in arrays})
    n_a, m = arrays["R"].shape[2], x.shape[1]
    a0, c0 = (
        arrays.get(name, np.zeros((D, m, n), x.dtype)).transpose(0, 2, 1)
        for name, n in (("initial_h", n_a), ("initial_c", n_a if NETWORKS[kind].has_memory else 0))
    )
    attributes = attributes_of(node)
    has_activations = NETWORKS[kind].has_activations
    activation = attributes.pop("activations", [b"Tanh"])[0].decode().lower() if has_activations else "tanh"
    Y, *last = (values[name] for name in node.output)
    outputs = {"a": Y.transpose(1, 3, 2, 0).reshape(D * n_a, m, -1)}
    for name, state in zip(("a_last", "c_last"), last, strict=False):
        outputs[name] = state.transpose(0, 2, 1).reshape(D * n_a, m, 1)
    inputs = x.transpose(2, 1, 0), a0, c0, lengths, activation
    remarks = [*_remarks(node, attributes)]
    return node.name or node.output[0], kind, D, parameters, remarks, *inputs, outputs


def _remarks(node: Any, attributes: Mapping[str, Any]) -> Iterator[str]:
    """Yield clauses about the properties of a node that no layer of the original can have."""
    usual = (b"forward", b"bidirectional", 0, attributes["hidden_size"], [b"Sigmoid", b"Tanh", b"Tanh"])
    for name, value in attributes.items():
        if value not in usual:
            yield f"{name} is {value.decode() if isinstance(value, bytes) else value}"
    if "P" in inputs_of(node):
        yield "it has peepholes"
