"""The weights of the recurrent nodes of an ONNX model."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.contents import Contents, Tensor, tensor
from oracle.checkpoints.error import CheckpointError, optional
from oracle.naming import in_onnx

RECURRENT = ("RNN", "LSTM", "GRU")
LETTERS = {"W": 1, "R": 2, "B": 3}
"""The weights among a node's inputs."""
PEEPHOLES = 7
"""Their place among a node's inputs."""
_RESHAPING = ("Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Cast", "Dropout")
"""What may stand between stacked layers."""
_FOLDED = (*_RESHAPING, "Constant", "Slice", "Concat", "Gather", "Split")
"""What exporters make weights of. Nothing that makes much of little is computed."""


@dataclass
class _Scope:
    """What names stand for in a graph and in those around it: a tensor, or the node that it comes from."""

    known: dict[str, Any]
    opsets: Any

    def constant(self, name: str) -> Any:
        """The array that a name stands for, perhaps computed; `CheckpointError` if that needs an input."""
        onnx = optional("onnx")
        nodes: dict[int, Any] = {}
        tensors: dict[str, Any] = {}
        self._collect(name, nodes, tensors)
        if name in tensors:
            return onnx.numpy_helper.to_array(tensors[name])
        value = onnx.helper.make_empty_tensor_value_info(name)
        graph = onnx.helper.make_graph([*nodes.values()], "weights", [], [value], [*tensors.values()])
        model = onnx.helper.make_model(graph, opset_imports=self.opsets)
        return optional("onnx.reference").ReferenceEvaluator(model).run(None, {})[0]

    def _collect(self, name: str, nodes: dict[int, Any], tensors: dict[str, Any]) -> None:
        """All that an output is made of, what comes first before what is made of it."""
        has = self.known.get(name)
        if has is None:
            raise CheckpointError(f"{name} is no constant of the model")
        if hasattr(has, "data_type"):
            tensors[name] = has
        elif id(has) not in nodes:
            if has.op_type not in _FOLDED or has.domain not in ("", "ai.onnx"):
                raise CheckpointError(f"{name} is computed by {has.op_type}")
            for each in filter(None, has.input):
                self._collect(each, nodes, tensors)
            nodes[id(has)] = has


@dataclass
class _Found:
    tensors: dict[str, Tensor] = field(default_factory=dict)
    activations: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)
    places: dict[str, tuple[str, int, tuple[Any, ...]]] = field(default_factory=dict)
    """By first output: the prefix, the layer, and what has to be equal in the layer above."""


def read_onnx(path: Path) -> Contents:
    """Of every recurrent node `NODE.l0.W`, `R` and `B`; of one that is on it `NODE.l1.W`, and so on.

    Models without any have their tensors by name: those of layers that were exported as other operators.
    """
    onnx = optional("onnx")
    model = onnx.load(path)
    if not model.graph.node and not model.graph.initializer:
        raise CheckpointError("there is nothing in it: it is cut short, or no .onnx file")
    if model.functions:
        model = optional("onnx.inliner").inline_local_functions(model)
    found, every = _Found(), {}
    for nodes, known in graphs(model.graph, {}):
        every.update(known)
        scope = _Scope(known, model.opset_import)
        for node in nodes:
            if node.op_type in RECURRENT and node.domain in ("", "ai.onnx"):
                _add(found, node, scope)
    if not found.tensors and not found.passed_over:
        constants = {name: _value(has) for name, has in every.items()}
        arrays = {name: onnx.numpy_helper.to_array(has) for name, has in constants.items() if has is not None}
        found.tensors.update({name: tensor(array) for name, array in arrays.items()})
    return Contents(found.tensors, found.activations, found.remarks, tuple(found.passed_over))


def graphs(graph: Any, around: Mapping[str, Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The nodes of a graph and of those in it, each with what names stand for there."""
    known = {**around, **{each.name: each for each in graph.initializer}}
    known.update({output: node for node in graph.node for output in node.output if output})
    yield graph.node, known
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from graphs(inner, known)


def _value(has: Any) -> Any:
    """The tensor of an initializer or of a node `Constant`."""
    if hasattr(has, "data_type"):
        return has
    tensors = [each.t for each in has.attribute if each.name == "value"] if has.op_type == "Constant" else []
    return tensors[0] if tensors else None


def _add(found: _Found, node: Any, scope: _Scope) -> None:
    """What a node has, unless the contract has no such layers."""
    onnx = optional("onnx")
    name = node.name or node.output[0]
    given = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
    try:
        activation = activation_of(node, given)
        inputs = dict(enumerate(node.input))
        arrays = {letter: scope.constant(inputs[k]) for letter, k in LETTERS.items() if inputs.get(k)}
        if inputs.get(PEEPHOLES) and np.any(scope.constant(inputs[PEEPHOLES])):
            raise CheckpointError("it has peepholes")
    except CheckpointError as error:
        found.passed_over.append(f"{name}: {error}")
        return
    direction = given.get("direction", b"forward").decode()
    alike = (node.op_type, arrays["R"].shape, direction, activation)
    # Branches may have nodes of one name.
    same = sum(each[0].partition("#")[0] == name and not each[1] for each in found.places.values())
    prefix, layer = f"{name}#{same + 1}" if same else name, 0
    below = _below(node.input[0], scope, found.places)
    if below and below[2] == alike and arrays["W"].shape[2] == arrays["R"].shape[0] * arrays["R"].shape[2]:
        prefix, layer = below[0], below[1] + 1
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


def _below(name: str, scope: _Scope, places: Mapping[str, Any]) -> Any:
    """The recurrent node whose output another takes, through what only reshapes it."""
    while name not in places:
        has = scope.known.get(name)
        if has is None or hasattr(has, "data_type") or has.op_type not in _RESHAPING:
            return None
        name = has.input[0]
    return places[name]
