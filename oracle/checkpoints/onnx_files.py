"""The weights of the recurrent nodes of an ONNX model."""

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
from oracle.naming import in_onnx, part

RECURRENT = ("RNN", "LSTM", "GRU")
LETTERS = {"W": 1, "R": 2, "B": 3}
"""The weights among a node's inputs."""
PEEPHOLES = 7
"""Their place among a node's inputs."""


@dataclass
class _Found:
    tensors: dict[str, Tensor] = field(default_factory=dict)
    activations: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    places: dict[str, tuple[str, int, tuple[Any, ...]]] = field(default_factory=dict)
    """By first output: the prefix, the layer, and what has to be equal in the layer above."""
    names: Counter[str] = field(default_factory=Counter)
    """How many layers have a name. Branches may have nodes of one name."""


def read_onnx(path: Path, allowance: Allowance) -> Contents:
    """Of every recurrent node `NODE.l0.W`, `R` and `B`; of one that is on it `NODE.l1.W`, and so on.

    Models without any have their tensors by name: those of layers that were exported as other operators.
    """
    model = open_model(path, allowance)
    constants = Constants(path.parent, model.opset_import, allowance)
    found, every = _Found(), [*graphs(model.graph, allowance)]
    tensors = [has for _, known in every for has in known.maps[0].values() if is_tensor(has)]
    for name in {each.value for has in tensors for each in has.external_data if each.key == "location"}:
        beside = path.parent / name
        allowance.beside(beside.stat().st_size if beside.is_file() else 0)
    for nodes, known in every:
        for node in nodes:
            if node.op_type in RECURRENT and is_onnx(node):
                _add(found, node, known, constants)
            elif node.op_type in ("DynamicQuantizeLSTM", "QLinearLSTM"):
                found.passed_over.append(f"{node.name or node.output[0]}: an LSTM that is quantised")
    if not found.tensors and not found.passed_over:
        found.tensors = {
            name: tensor(constants.array(name, known))
            for _, known in every
            for name in _named(known, allowance)
        }
        if not any(map(part, found.tensors)):
            found.passed_over += _unrolled([node for nodes, _ in every for node in nodes])
    return Contents(found.tensors, found.activations, found.remarks, tuple(found.passed_over))


def open_model(path: Path, allowance: Allowance) -> Any:
    """The model of a file, with its functions in the place of their calls; tensors beside it are not read.

    Raises `CheckpointError` where there is none, or the functions unfold to too many nodes.
    """
    onnx = optional("onnx")
    model = onnx.load(path, load_external_data=False)
    if not model.graph.node and not model.graph.initializer:
        raise CheckpointError("there is nothing in it: it is cut short, or no .onnx file")
    if model.functions:
        allowance.step(_nodes_with_functions(model))
        model = optional("onnx.inliner").inline_local_functions(model)
    return model


def _nodes_with_functions(model: Any) -> int:
    """How many nodes there are once every function stands in the place of its calls."""
    bodies = {(each.domain, each.name): _calls(each.node) for each in model.functions}
    sizes: dict[tuple[str, str], int] = {}
    try:
        order = [
            *TopologicalSorter({name: calls & bodies.keys() for name, calls in bodies.items()}).static_order()
        ]
    except CycleError:
        raise CheckpointError("its functions call each other in a ring") from None
    for name in order:
        sizes[name] = sum(count * sizes.get(each, 1) for each, count in bodies[name].items())
    return sum(count * sizes.get(each, 1) for each, count in _calls(model.graph.node).items())


def _calls(nodes: Any) -> Counter[tuple[str, str]]:
    """How often each operator or function stands in nodes, and in the graphs in them."""
    calls: Counter[tuple[str, str]] = Counter()
    waiting = [*nodes]
    while waiting:
        node = waiting.pop()
        calls[node.domain, node.op_type] += 1
        waiting += [each for graph in _inner(node) for each in graph.node]
    return calls


def _inner(node: Any) -> Iterator[Any]:
    """The graphs in a node."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def graphs(graph: Any, allowance: Allowance, around: Known | None = None) -> Iterator[tuple[Any, Known]]:
    """The nodes of a graph and of those in it, each with what names stand for there."""
    own: dict[str, Any] = {each.name: each for each in graph.initializer}
    own.update({output: node for node in graph.node for output in node.output if output})
    allowance.step(len(own) + len(graph.node))
    known = ChainMap(own, *(around.maps if around else ()))
    yield graph.node, known
    for node in graph.node:
        for inner in _inner(node):
            yield from graphs(inner, allowance, known)


def _named(known: Known, allowance: Allowance) -> Iterator[str]:
    """The names that stand for a tensor in a graph itself, perhaps by way of nodes Identity."""
    for name, has in known.maps[0].items():
        allowance.step()
        while has is not None and not is_tensor(has) and has.op_type == "Identity" and is_onnx(has):
            allowance.step()
            has = known.get(has.input[0])
        is_constant = has is not None and not is_tensor(has) and has.op_type == "Constant"
        if (is_constant and any(each.name == "value" for each in has.attribute)) or is_tensor(has):
            yield name


def _unrolled(nodes: list[Any]) -> Iterator[str]:
    """Cells whose steps were exported one by one."""
    count = Counter(node.op_type for node in nodes)
    if count["Sigmoid"] >= 3 and count["Tanh"] >= 2:
        which = f"{count['Sigmoid']} nodes Sigmoid and {count['Tanh']} Tanh"
        yield f"{which}, perhaps a cell that was unrolled, whose gates no name tells"


def _add(found: _Found, node: Any, known: Known, constants: Constants) -> None:
    """What a node has, unless the contract has no such layers."""
    onnx = optional("onnx")
    name = node.name or node.output[0]
    given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    try:
        activation = activation_of(node, given)
        inputs = dict(enumerate(node.input))
        arrays = {letter: constants.array(inputs[k], known) for letter, k in LETTERS.items() if inputs.get(k)}
        if inputs.get(PEEPHOLES) and np.any(constants.array(inputs[PEEPHOLES], known)):
            raise CheckpointError("it has peepholes")
        if any(arrays[letter].ndim != 3 for letter in "WR"):
            raise CheckpointError("its weights have other than three axes")
    except LimitError:
        raise
    except CheckpointError as error:
        found.passed_over.append(f"{name}: {error}")
        return
    direction = given.get("direction", b"forward").decode()
    alike = (node.op_type, arrays["R"].shape, direction, activation)
    prefix, layer = f"{name}#{found.names[name] + 1}" if found.names[name] else name, 0
    below = _below(node.input[0], known, found.places, constants.allowance)
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
        found.remarks[prefix] = ["it runs from the last step back"]


def activation_of(node: Any, given: Mapping[str, Any]) -> str:
    """The activation of an RNN; `CheckpointError` for what the contract has not."""
    usual = {"RNN": ("tanh",), "LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh")}[node.op_type]
    directions = 2 if given.get("direction") == b"bidirectional" else 1
    has = tuple(each.decode().lower() for each in given.get("activations", ())) or usual * directions
    if has != usual * directions and not (node.op_type == "RNN" and {*has} == {"relu"}):
        raise CheckpointError(f"its activations are {', '.join(has)}")
    for attribute in ("clip", "input_forget"):
        if given.get(attribute):
            raise CheckpointError(f"it has {attribute}")
    return has[0] if node.op_type == "RNN" else ""


def _below(name: str, known: Known, places: Mapping[str, Any], allowance: Allowance) -> Any:
    """The recurrent node whose output another takes, through what only reshapes it."""
    seen = set()
    while name not in places and name not in seen:
        allowance.step()
        seen.add(name)
        has = known.get(name)
        if has is None or is_tensor(has) or has.op_type not in RESHAPING:
            return None
        name = has.input[0]
    return places.get(name)
