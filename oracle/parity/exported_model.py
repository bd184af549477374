"""The exported model: an ONNX file. ONNX Runtime runs it and shows the values at its recurrent nodes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints import CheckpointError, RecurrentLayer
from oracle.checkpoints.contents import Allowance, optional, shortened
from oracle.checkpoints.onnx_files import PEEPHOLES, attributes_of, is_onnx, open_model
from oracle.conversion import from_onnx
from oracle.inputs import LayerInputs
from oracle.parity.layer_pass import LayerPass, ParityError
from reference.contract import Array, Kind

KINDS: Mapping[str, Kind] = {"RNN": "rnn", "LSTM": "lstm"}
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c")


def load(path: Path) -> Any:
    """The model in a file. Raises `ParityError` if the file cannot be read."""
    for package in ("onnx", "onnxruntime"):
        optional(package, "onnx")
    if not path.is_file():
        raise ParityError(f"{path}: there is no such file")
    try:
        return open_model(path, Allowance.of(path.stat().st_size))
    except CheckpointError as error:
        raise ParityError(f"{path}: {error}") from None
    except Exception as error:  # of a library that reads what anybody may have written
        raise ParityError(f"{path}: it is cut short, or no .onnx file: {shortened(error, 120)}") from None


def input_names(model: Any) -> list[str]:
    """The names of the graph's inputs."""
    constants = {each.name for each in model.graph.initializer}
    return [each.name for each in model.graph.input if each.name not in constants]


def run(path: Path, model: Any, feeds: Mapping[str, Array]) -> tuple[list[LayerPass], list[Array]]:
    """The passes through the recurrent nodes, in the order of the graph, and the outputs of the model.

    Nodes in branches and loops have no pass, since their values are not visible.
    """
    onnx, runtime = optional("onnx"), optional("onnxruntime")
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    nodes = [node for node in shown.graph.node if node.op_type in KINDS and is_onnx(node)]
    if not nodes:
        raise ParityError(f"{path}: it has no RNN or LSTM node outside of branches and loops")
    for k, node in enumerate(nodes):
        count = max(len(node.output), 3 if node.op_type == "LSTM" else 2)
        given = [*node.output, *[""] * count][:count]
        node.output[:] = [name or f"{node.op_type} {k} output {i}" for i, name in enumerate(given)]
    returned = [each.name for each in shown.graph.output]
    seen = {name for node in nodes for name in (*node.input, *node.output) if name}
    names = [*returned, *sorted(seen - {*returned} - {*feeds})]
    shown.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names[len(returned) :])
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    # ONNX Runtime gets the model from memory, so it needs the folder of the external tensors.
    folder = str(path.resolve().parent)
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
    try:
        session = runtime.InferenceSession(
            shown.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        arrays = session.run(names, dict(feeds))
    except Exception as error:  # of ONNX Runtime, which has many
        raise ParityError(f"{path}: ONNX Runtime cannot run it: {shortened(error)}") from None
    values = {**feeds, **dict(zip(names, arrays, strict=True))}
    return [_pass(node, values) for node in nodes], arrays[: len(returned)]


def _pass(node: Any, values: Mapping[str, Array]) -> LayerPass:
    kind = KINDS[node.op_type]
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
    attributes = attributes_of(node)
    activation = attributes.pop("activations", [b"Tanh"])[0].decode().lower() if kind == "rnn" else "tanh"
    states_and_weights, lengths = (a0, c0, parameters), given.get("sequence_lens")
    inputs = LayerInputs(
        kind, x.transpose(2, 1, 0), *states_and_weights, x.dtype, D, lengths, activation=activation
    )
    Y, *last = (values[name] for name in node.output)
    outputs = {"a": Y.transpose(1, 3, 2, 0).reshape(D * n_a, m, -1)}
    for name, state in zip(("a_last", "c_last"), last, strict=False):
        outputs[name] = state.transpose(0, 2, 1).reshape(D * n_a, m, 1)
    unusual = tuple(_unusual(node, attributes))
    layer = RecurrentLayer(node.name or node.output[0], kind, "onnx", D, parameters, remarks=unusual)
    return LayerPass(layer, inputs, outputs)


def _unusual(node: Any, attributes: Mapping[str, Any]) -> Iterator[str]:
    """The properties of a node that the contract does not have, in words."""
    usual = (b"forward", b"bidirectional", 0, attributes["hidden_size"], [b"Sigmoid", b"Tanh", b"Tanh"])
    for name, value in attributes.items():
        if value not in usual:
            yield f"{name} is {value.decode() if isinstance(value, bytes) else value}"
    if len(node.input) > PEEPHOLES and node.input[PEEPHOLES]:
        yield "it has peepholes"
