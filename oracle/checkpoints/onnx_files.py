"""Reads the weights of the recurrent nodes of an ONNX model; a weight may be computed from constants."""

from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.reading import CheckpointError, Contents, import_optional, tensor
from oracle.weights.naming import onnx_name
from reference.contract import Array

_RECURRENT = ("RNN", "LSTM", "GRU")
_INPUTS = ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")
"""The inputs of an LSTM node, in order: P are the peepholes. RNN and GRU nodes have only the first six."""
_RESHAPING = ("Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Cast", "Dropout")
"""Operators that may stand between stacked layers."""
_COMPUTABLE = (*_RESHAPING, "Constant", "Slice", "Concat", "Gather", "Split")
"""Operators by which exporters compute weights."""
_QUANTISATION = ("DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear")

Scope = ChainMap[str, Any]
"""The values that the nodes of a graph can use, by name: a tensor, or the node that computes it."""


def read_onnx(path: Path) -> Contents:
    """Return the weights of every recurrent node, with names such as `NODE.l0.W`.

    The next layer, a node stacked on this node, has the names `NODE.l1.W` and so on. Raises `CheckpointError`
    for a model without recurrent nodes.
    """
    model = _open_model(path)
    constants = _Constants(path.parent, model.opset_import)
    layers, graphs = _Layers(), [*_graphs(model.graph)]
    for nodes, scope in graphs:
        for node in nodes:
            if node.op_type in _RECURRENT and _is_onnx(node):
                _add_layer(layers, node, scope, constants)
            elif node.op_type in ("DynamicQuantizeLSTM", "QLinearLSTM"):
                layers.skipped.append(f"{node.name or node.output[0]}: an LSTM that is quantised")
    if not layers.tensors and not layers.skipped:
        operators = sorted({node.op_type for nodes, _ in graphs for node in nodes})
        raise CheckpointError(f"it has no RNN or LSTM node; its operators are {', '.join(operators)}")
    return layers


def _open_model(path: Path) -> Any:
    """Return the model in a file, with every call of a function replaced by the function's body.

    Tensors in other files are not read. Raises `CheckpointError` if the file is empty.
    """
    onnx = import_optional("onnx")
    model = onnx.load(path, load_external_data=False)
    if not model.graph.node and not model.graph.initializer:
        raise CheckpointError("there is nothing in it: it is cut short, or no .onnx file")
    if model.functions:
        model = import_optional("onnx.inliner").inline_local_functions(model)
    return model


def _graphs(graph: Any, outer: Scope | None = None) -> Iterator[tuple[Any, Scope]]:
    """Yield the nodes and the scope of a graph and of each graph in it. `outer` is the enclosing scope."""
    own: dict[str, Any] = {each.name: each for each in graph.initializer}
    own.update({output: node for node in graph.node for output in node.output if output})
    scope = ChainMap(own, *(outer.maps if outer else ()))
    yield graph.node, scope
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):  # an attribute without a graph has an empty one
                yield from _graphs(inner, scope)


def _is_onnx(node: Any) -> bool:
    """Whether the operator of a node belongs to ONNX itself."""
    return node.domain in ("", "ai.onnx")


def _inputs_of(node: Any) -> dict[str, str]:
    """Return the names of the values that a recurrent node takes, by input: `X`, `W`, and so on."""
    return {name: value for name, value in zip(_INPUTS, node.input, strict=False) if value}


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "data_type")


@dataclass
class _Layers(Contents):
    """The layers that are already read, and their places in stacks."""

    places: dict[str, tuple[str, int, tuple[Any, ...]]] = field(default_factory=dict)
    """By the first output of a node: the prefix, the layer's number, and what the layer above must share."""
    names: Counter[str] = field(default_factory=Counter)
    """The number of layers with each name, since nodes in different branches may have the same name."""


def _add_layer(layers: _Layers, node: Any, scope: Scope, constants: "_Constants") -> None:
    """Add the weights of a node, or the reason why the node is not a layer that the harness can judge."""
    name, attributes, inputs = node.name or node.output[0], _attributes_of(node), _inputs_of(node)
    try:
        activation = _activation_of(node, attributes)
        arrays = {each: constants.array(inputs[each], scope) for each in "WRB" if each in inputs}
        if "P" in inputs and np.any(constants.array(inputs["P"], scope)):
            raise CheckpointError("it has peepholes")
        if any(arrays[each].ndim != 3 for each in "WR"):
            raise CheckpointError("its weights have other than three axes")
    except RecursionError:
        layers.skipped.append(f"{name}: its weights are computed from themselves, or by too many nodes")
        return
    except CheckpointError as error:
        layers.skipped.append(f"{name}: {error}")
        return
    direction = attributes.get("direction", b"forward").decode()
    shared = (node.op_type, arrays["R"].shape, direction, activation)
    prefix, number = f"{name}#{layers.names[name] + 1}" if layers.names[name] else name, 0
    below = _layer_below(node.input[0], scope, layers.places)
    if below and below[2] == shared and arrays["W"].shape[2] == arrays["R"].shape[0] * arrays["R"].shape[2]:
        prefix, number = below[0], below[1] + 1
    else:
        layers.names[name] += 1
    layers.places[node.output[0]] = prefix, number, shared
    for each, array in arrays.items():
        layers.tensors[f"{prefix}.{onnx_name(each, number)}"] = tensor(array)
    if activation:
        layers.activations[prefix] = activation
    if direction == "reverse":
        layers.remarks[prefix] = ["it runs from the last step back"]


def _attributes_of(node: Any) -> dict[str, Any]:
    """Return the attributes of a node by name."""
    onnx = import_optional("onnx")
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def _activation_of(node: Any, attributes: Mapping[str, Any]) -> str:
    """Return the activation of an RNN node. Raises `CheckpointError` for attributes that we do not judge."""
    usual = {"RNN": ("tanh",), "LSTM": ("sigmoid", "tanh", "tanh"), "GRU": ("sigmoid", "tanh")}[node.op_type]
    usual *= 2 if attributes.get("direction") == b"bidirectional" else 1
    activations = tuple(each.decode().lower() for each in attributes.get("activations", ())) or usual
    if activations != usual and not (node.op_type == "RNN" and {*activations} == {"relu"}):
        raise CheckpointError(f"its activations are {', '.join(activations)}")
    for name in ("clip", "input_forget"):
        if attributes.get(name):
            raise CheckpointError(f"it has {name}")
    return activations[0] if node.op_type == "RNN" else ""


def _layer_below(name: str, scope: Scope, places: Mapping[str, Any]) -> Any:
    """Return the place of the recurrent node that computes a value, which other nodes may have reshaped."""
    seen = set()
    while name not in places and name not in seen:
        seen.add(name)
        value = scope.get(name)
        if value is None or _is_tensor(value) or value.op_type not in _RESHAPING:
            return None
        name = value.input[0]
    return places.get(name)


@dataclass
class _Constants:
    """The constant arrays of a model. Each array is read or computed only once."""

    folder: Path
    opsets: Any
    _values: dict[int, dict[str, Array]] = field(default_factory=dict)
    """By the `id` of a tensor or node: its arrays by name."""

    def array(self, name: str, scope: Scope) -> Array:
        """Return an array. Raises `CheckpointError` if it is no constant, `RecursionError` if in a ring."""
        value = scope.get(name)
        if value is None:
            raise CheckpointError(f"{name} is no constant of the model")
        if id(value) not in self._values:
            outputs = {name: self._read(value)} if _is_tensor(value) else self._outputs(value, scope)
            self._values[id(value)] = outputs
        return self._values[id(value)][name]

    def _read(self, tensor: Any) -> Array:
        """Return the array of a tensor, which may be stored in another file."""
        onnx = import_optional("onnx")
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            import_optional("onnx.external_data_helper").load_external_data_for_tensor(
                tensor, str(self.folder)
            )
        array: Array = onnx.numpy_helper.to_array(tensor)
        return array

    def _outputs(self, node: Any, scope: Scope) -> dict[str, Array]:
        if node.op_type in _QUANTISATION:
            raise CheckpointError("its weights are quantised")
        if node.op_type not in _COMPUTABLE or not _is_onnx(node):
            raise CheckpointError(f"{node.output[0]} is computed by {node.op_type}")
        inputs = {each: self.array(each, scope) for each in node.input if each}
        names = [name for name in node.output if name]
        make_function = import_optional("onnx").helper.make_function
        function = make_function("one", "one", [*inputs], names, [node], self.opsets)
        evaluator = import_optional("onnx.reference").ReferenceEvaluator(function)
        return dict(zip(names, evaluator.run(None, inputs, attributes={}), strict=True))
