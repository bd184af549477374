"""Reads the weights of the recurrent nodes of an ONNX model; a weight may be computed from constants."""

from collections import ChainMap, Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.contents import (
    Allowance,
    CheckpointError,
    Contents,
    LimitError,
    import_optional,
    tensor,
)
from oracle.naming import in_onnx
from reference.contract import Array

RECURRENT = ("RNN", "LSTM", "GRU")
LETTERS = {"W": 1, "R": 2, "B": 3}
"""The indices of the weights among a node's inputs."""
PEEPHOLES = 7
"""The index of the peepholes among a node's inputs."""
RESHAPING = ("Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Cast", "Dropout")
"""Operators that may stand between stacked layers."""
_FOLDED = (*RESHAPING, "Constant", "Slice", "Concat", "Gather", "Split")
"""Operators by which exporters compute weights."""
_DEQUANTISING = ("DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear")
_COMPUTED = 50
"""The steps that count for the computation of a node, which takes as long as 50 visits."""
_SHOWN = 12
"""The largest number of operators that a message names."""

Known = ChainMap[str, Any]
"""The values in a graph and the graphs around it, by name: a tensor, or the node that computes it."""


def read_onnx(path: Path, allowance: Allowance) -> Contents:
    """The weights of every recurrent node as `NODE.l0.W`, `R`, `B`; of a node stacked on it as `NODE.l1.W`.

    Raises `CheckpointError` for a model without recurrent nodes.
    """
    model = open_model(path, allowance)
    constants = _Constants(path.parent, model.opset_import, allowance)
    found, every = _Layers(), [*_graphs(model.graph, allowance)]
    tensors = [value for _, known in every for value in known.maps[0].values() if _is_tensor(value)]
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
        operators = sorted({node.op_type for nodes, _ in every for node in nodes})
        raise CheckpointError(
            f"it has no RNN or LSTM node; its operators are {', '.join(operators[:_SHOWN])}"
        )
    return found


def open_model(path: Path, allowance: Allowance) -> Any:
    """The model of a file, with every call of a function replaced by its body; external tensors are not read.

    Raises `CheckpointError` if the file is empty, or if the bodies of functions add up to too many nodes.
    """
    onnx = import_optional("onnx")
    model = onnx.load(path, load_external_data=False)
    if not model.graph.node and not model.graph.initializer:
        raise CheckpointError("there is nothing in it: it is cut short, or no .onnx file")
    if model.functions:
        allowance.count_steps(_unfolded_size(model))
        model = import_optional("onnx.inliner").inline_local_functions(model)
    return model


def _unfolded_size(model: Any) -> int:
    """The number of nodes after every call of a function has been replaced by its body."""
    bodies = {(each.domain, each.name): each.node for each in model.functions}

    @cache
    def size(called: tuple[str, str]) -> int:
        return total(bodies[called]) if called in bodies else 1

    def total(nodes: Any) -> int:
        return sum(count * size(called) for called, count in _calls(nodes).items())

    try:
        return total(model.graph.node)
    except RecursionError:
        raise CheckpointError("its functions call each other in a ring, or are nested too deep") from None


def _calls(nodes: Any) -> Counter[tuple[str, str]]:
    """How often some nodes, and the graphs inside them, call each operator or function."""
    inner = [each for node in nodes for graph in _inner_graphs(node) for each in graph.node]
    own = Counter((node.domain, node.op_type) for node in nodes)
    return own + _calls(inner) if inner else own


def _inner_graphs(node: Any) -> Iterator[Any]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _graphs(graph: Any, allowance: Allowance, around: Known | None = None) -> Iterator[tuple[Any, Known]]:
    """The nodes of a graph and of each graph inside it, with the values by name that these nodes can use."""
    own: dict[str, Any] = {each.name: each for each in graph.initializer}
    own.update({output: node for node in graph.node for output in node.output if output})
    allowance.count_steps(len(own) + len(graph.node))
    known = ChainMap(own, *(around.maps if around else ()))
    yield graph.node, known
    for node in graph.node:
        for inner in _inner_graphs(node):
            yield from _graphs(inner, allowance, known)


def is_onnx(node: Any) -> bool:
    """Whether a node is an operator of ONNX itself."""
    return node.domain in ("", "ai.onnx")


def _is_tensor(value: Any) -> bool:
    """Whether a value is a tensor, and not a node."""
    return hasattr(value, "data_type")


@dataclass
class _Layers(Contents):
    """The layers that are already found, and their places in stacks."""

    places: dict[str, tuple[str, int, tuple[Any, ...]]] = field(default_factory=dict)
    """By the first output of a node: the prefix, the number of the layer, what a layer above must share."""
    names: Counter[str] = field(default_factory=Counter)
    """The number of layers with each name, since nodes in different branches may have the same name."""


def _add(found: _Layers, node: Any, known: Known, constants: "_Constants") -> None:
    """Add the weights of a node, or the reason why the node is no layer of the contract."""
    name, given = node.name or node.output[0], attributes_of(node)
    inputs = dict(enumerate(node.input))
    try:
        activation = _activation_of(node, given)
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
        found.remarks[prefix] = ["it runs from the last step back"]


def attributes_of(node: Any) -> dict[str, Any]:
    """The attributes of a node by name."""
    onnx = import_optional("onnx")
    return {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}


def _activation_of(node: Any, given: Mapping[str, Any]) -> str:
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
        if value is None or _is_tensor(value) or value.op_type not in RESHAPING:
            return None
        name = value.input[0]
    return places.get(name)


@dataclass
class _Constants:
    """The constant arrays of a model; each is read or computed only once."""

    folder: Path
    opsets: Any
    allowance: Allowance
    _values: dict[int, dict[str, Array]] = field(default_factory=dict)
    """The output arrays of each tensor or node, by its `id` and by name."""

    def array(self, name: str, known: Known) -> Array:
        """The array with a name; `CheckpointError` if it depends on an input of the model, or on itself."""
        try:
            return self._array(name, known)
        except RecursionError:
            raise CheckpointError(f"{name} is computed from itself, or by too many nodes") from None

    def _array(self, name: str, known: Known) -> Array:
        self.allowance.count_steps()
        has = known.get(name)
        if has is None:
            raise CheckpointError(f"{name} is no constant of the model")
        if id(has) not in self._values:
            self._values[id(has)] = {name: self._read(has)} if _is_tensor(has) else self._outputs(has, known)
        return self._values[id(has)][name]

    def _read(self, tensor: Any) -> Array:
        """The array of a tensor, which may be stored in another file."""
        onnx = import_optional("onnx")
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        self.allowance.count_tensor(tensor.name, tensor.dims, max(4, dtype.itemsize))
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            import_optional("onnx.external_data_helper").load_external_data_for_tensor(
                tensor, str(self.folder)
            )
        array: Array = onnx.numpy_helper.to_array(tensor)
        return array

    def _outputs(self, node: Any, known: Known) -> dict[str, Array]:
        """The outputs of a node, computed from constants."""
        if node.op_type in _DEQUANTISING:
            raise CheckpointError("its weights are quantised")
        if node.op_type not in _FOLDED or not is_onnx(node):
            raise CheckpointError(f"{node.output[0]} is computed by {node.op_type}")
        inputs = {each: self._array(each, known) for each in node.input if each}
        values = [each.t for each in node.attribute if each.name == "value"]
        if node.op_type == "Identity":
            return {node.output[0]: inputs[node.input[0]]}
        if node.op_type == "Constant" and values:
            return {node.output[0]: self._read(values[0])}
        self.allowance.count_steps(_COMPUTED)
        self.allowance.count_tensor(node.output[0], [_most(node, [*inputs.values()])])
        names = [name for name in node.output if name]
        one = import_optional("onnx").helper.make_function(
            "one", "one", [*inputs], names, [node], self.opsets
        )
        outputs = import_optional("onnx.reference").ReferenceEvaluator(one).run(None, inputs, attributes={})
        return dict(zip(names, outputs, strict=True))


def _most(node: Any, inputs: list[Array]) -> int:
    """An upper bound for the bytes of a node's outputs."""
    attributes = {each.name: each for each in node.attribute}
    if "sparse_value" in attributes:
        raise CheckpointError(f"{node.output[0]} is sparse")
    if node.op_type == "Constant":
        return int(node.ByteSize()) * 8
    if node.op_type == "Gather":
        data, indices = inputs
        axis = attributes["axis"].i if "axis" in attributes else 0
        return int(data.nbytes // max(1, data.shape[axis]) * indices.size)
    return sum(each.size for each in inputs) * 8 if node.op_type == "Cast" else sum(x.nbytes for x in inputs)
