"""Reads the weights of the recurrent nodes of an ONNX model."""

from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.allowance import Allowance
from oracle.checkpoints.constants import RESHAPING, Constants, Known, is_onnx, is_tensor
from oracle.checkpoints.contents import Contents, Tensor, tensor
from oracle.checkpoints.error import CheckpointError, LimitError, optional
from oracle.naming import in_onnx

RECURRENT = ("RNN", "LSTM", "GRU")
LETTERS = {"W": 1, "R": 2, "B": 3}
"""The indices of the weights among a node's inputs."""
PEEPHOLES = 7
"""The index of the peepholes among a node's inputs."""
REVERSED = "it runs from the last step back"


@dataclass
class _Layers:
    """The layers that are already found, and their places in stacks."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    activations: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    places: dict[str, tuple[str, int, tuple[Any, ...]]] = field(default_factory=dict)
    """By the first output of a node: the prefix, the number of the layer, what a layer above must share."""
    names: Counter[str] = field(default_factory=Counter)
    """The number of layers with each name, since nodes in different branches may have the same name."""


def read_onnx(path: Path, allowance: Allowance) -> Contents:
    """The weights of every recurrent node as `NODE.l0.W`, `R`, `B`; of a node stacked on it as `NODE.l1.W`.

    For a model without recurrent nodes, all tensors by name, since an exporter may use other operators for
    layers.
    """
    model = open_model(path, allowance)
    constants = Constants(path.parent, model.opset_import, allowance)
    found, every = _Layers(), [*graphs(model.graph, allowance)]
    tensors = [value for _, known in every for value in known.maps[0].values() if is_tensor(value)]
    for name in {each.value for has in tensors for each in has.external_data if each.key == "location"}:
        beside = path.parent / name
        allowance.add_file(beside.stat().st_size if beside.is_file() else 0)
    for nodes, known in every:
        for node in nodes:
            if node.op_type in RECURRENT and is_onnx(node):
                _add(found, node, known, constants)
            elif node.op_type in ("DynamicQuantizeLSTM", "QLinearLSTM"):
                found.skipped.append(f"{node.name or node.output[0]}: an LSTM that is quantised")
    if not found.tensors and not found.skipped:
        found.tensors = {
            name: tensor(constants.array(name, known))
            for _, known in every
            for name in _tensor_names(known, allowance)
        }
    return Contents(found.tensors, found.activations, found.remarks, tuple(found.skipped))


def open_model(path: Path, allowance: Allowance) -> Any:
    """The model of a file, with every call of a function replaced by its body; external tensors are not read.

    Raises `CheckpointError` if the file is empty, or if the bodies of functions add up to too many nodes.
    """
    onnx = optional("onnx")
    model = onnx.load(path, load_external_data=False)
    if not model.graph.node and not model.graph.initializer:
        raise CheckpointError("there is nothing in it: it is cut short, or no .onnx file")
    if model.functions:
        allowance.count_steps(_unfolded_size(model))
        model = optional("onnx.inliner").inline_local_functions(model)
    return model


def _unfolded_size(model: Any) -> int:
    """The number of nodes after every call of a function has been replaced by its body."""
    bodies = {(each.domain, each.name): _calls(each.node) for each in model.functions}
    called = {name: calls & bodies.keys() for name, calls in bodies.items()}
    sizes: dict[tuple[str, str], int] = {}

    def size(calls: Counter[tuple[str, str]]) -> int:
        return sum(count * sizes.get(each, 1) for each, count in calls.items())

    try:
        for name in TopologicalSorter(called).static_order():
            sizes[name] = size(bodies[name])
    except CycleError:
        raise CheckpointError("its functions call each other in a ring") from None
    return size(_calls(model.graph.node))


def _calls(nodes: Any) -> Counter[tuple[str, str]]:
    """How often some nodes, and the graphs inside them, call each operator or function."""
    calls: Counter[tuple[str, str]] = Counter()
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        calls[node.domain, node.op_type] += 1
        waiting += [each for graph in _inner_graphs(node) for each in graph.node]
    return calls


def _inner_graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def graphs(graph: Any, allowance: Allowance, around: Known | None = None) -> Iterator[tuple[Any, Known]]:
    """The nodes of a graph and of each graph inside it, with the values by name that these nodes can use."""
    own: dict[str, Any] = {each.name: each for each in graph.initializer}
    own.update({output: node for node in graph.node for output in node.output if output})
    allowance.count_steps(len(own) + len(graph.node))
    known = ChainMap(own, *(around.maps if around else ()))
    yield graph.node, known
    for node in graph.node:
        for inner in _inner_graphs(node):
            yield from graphs(inner, allowance, known)


def _tensor_names(known: Known, allowance: Allowance) -> Iterator[str]:
    """The names of the tensors of a graph itself, and the names that Identity nodes give them."""
    for name, value in known.maps[0].items():
        allowance.count_steps()
        while value is not None and not is_tensor(value) and value.op_type == "Identity" and is_onnx(value):
            allowance.count_steps()
            value = known.get(value.input[0])
        is_constant = value is not None and not is_tensor(value) and value.op_type == "Constant"
        if is_tensor(value) or (is_constant and any(each.name == "value" for each in value.attribute)):
            yield name


def _add(found: _Layers, node: Any, known: Known, constants: Constants) -> None:
    """Add the weights of a node, or the reason why the node is no layer of the contract."""
    name, given = node.name or node.output[0], attributes_of(node)
    inputs = dict(enumerate(node.input))
    try:
        activation = activation_of(node, given)
        arrays = {letter: constants.array(inputs[k], known) for letter, k in LETTERS.items() if inputs.get(k)}
        if inputs.get(PEEPHOLES) and np.any(constants.array(inputs[PEEPHOLES], known)):
            raise CheckpointError("it has peepholes")
        if any(arrays[letter].ndim != 3 for letter in "WR"):
            raise CheckpointError("its weights have other than three axes")
    except LimitError:
        raise
    except CheckpointError as error:
        found.skipped.append(f"{name}: {error}")
        return
    direction = given.get("direction", b"forward").decode()
    alike = (node.op_type, arrays["R"].shape, direction, activation)
    prefix, layer = f"{name}#{found.names[name] + 1}" if found.names[name] else name, 0
    below = _layer_below(node.input[0], known, found.places, constants.allowance)
    if below and below[2] == alike and arrays["W"].shape[2] == arrays["R"].shape[0] * arrays["R"].shape[2]:
        prefix, layer = below[0], below[1] + 1
    else:
        found.names[name] += 1
    found.places[node.output[0]] = prefix, layer, alike
    for letter, array in arrays.items():
        found.tensors[f"{prefix}.{in_onnx(letter, layer)}"] = tensor(array)
    if activation:
        found.activations[prefix] = activation
    if direction == "reverse":
        found.remarks[prefix] = [REVERSED]


def attributes_of(node: Any) -> dict[str, Any]:
    """The attributes of a node by name."""
    onnx = optional("onnx")
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def activation_of(node: Any, given: Mapping[str, Any]) -> str:
    """The activation of an RNN node. Raises `CheckpointError` for attributes outside of the contract."""
    usual = {"RNN": ("tanh",), "LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh")}[node.op_type]
    directions = 2 if given.get("direction") == b"bidirectional" else 1
    has = tuple(each.decode().lower() for each in given.get("activations", ())) or usual * directions
    if has != usual * directions and not (node.op_type == "RNN" and {*has} == {"relu"}):
        raise CheckpointError(f"its activations are {', '.join(has)}")
    for attribute in ("clip", "input_forget"):
        if given.get(attribute):
            raise CheckpointError(f"it has {attribute}")
    return has[0] if node.op_type == "RNN" else ""


def _layer_below(name: str, known: Known, places: Mapping[str, Any], allowance: Allowance) -> Any:
    """The place of the recurrent node whose output has this name, perhaps after nodes that only reshape."""
    seen = set()
    while name not in places and name not in seen:
        allowance.count_steps()
        seen.add(name)
        value = known.get(name)
        if value is None or is_tensor(value) or value.op_type not in RESHAPING:
            return None
        name = value.input[0]
    return places.get(name)
