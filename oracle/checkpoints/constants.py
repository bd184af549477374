"""The constants of an ONNX model: tensors, in the file or beside it, and values computed from tensors."""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from oracle.checkpoints.allowance import Allowance
from oracle.checkpoints.error import CheckpointError, optional
from reference.contract import Array

RESHAPING = ("Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Cast", "Dropout")
"""Operators that may stand between stacked layers."""
_FOLDED = (*RESHAPING, "Constant", "Slice", "Concat", "Gather", "Split")
"""Operators by which exporters compute weights."""
_DEQUANTISING = ("DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear")
_COMPUTED = 50
"""The steps that count for the computation of a node, which takes as long as 50 visits."""

Known = ChainMap[str, Any]
"""The values in a graph and the graphs around it, by name: a tensor, or the node that computes it."""


def is_tensor(has: Any) -> bool:
    """Whether a value is a tensor, and not a node."""
    return hasattr(has, "data_type")


def is_onnx(node: Any) -> bool:
    """Whether a node is an operator of ONNX itself."""
    return node.domain in ("", "ai.onnx")


@dataclass
class Constants:
    """The constant arrays of a model; each is read or computed only once."""

    folder: Path
    opsets: Any
    allowance: Allowance
    _values: dict[int, dict[str, Array]] = field(default_factory=dict)
    """The output arrays of each tensor or node, by its `id` and by name."""

    def array(self, name: str, known: Known) -> Array:
        """The array with a name; `CheckpointError` if it depends on an input of the model."""
        waiting, computing = [name], set()
        while waiting:
            at = waiting[-1]
            self.allowance.count_steps()
            has = known.get(at)
            if has is None:
                raise CheckpointError(f"{at} is no constant of the model")
            if id(has) in self._values:
                waiting.pop()
            elif is_tensor(has):
                self._values[id(has)] = {at: self.read(has)}
            elif has.op_type in _DEQUANTISING:
                raise CheckpointError("its weights are quantised")
            elif has.op_type not in _FOLDED or not is_onnx(has):
                raise CheckpointError(f"{at} is computed by {has.op_type}")
            elif missing := [each for each in has.input if each and id(known.get(each)) not in self._values]:
                if id(has) in computing:
                    raise CheckpointError(f"{at} is computed from itself")
                computing.add(id(has))
                waiting += missing
            else:
                inputs = {each: self._values[id(known[each])][each] for each in has.input if each}
                self._values[id(has)] = self._computed(has, inputs)
        return self._values[id(known[name])][name]

    def read(self, tensor: Any) -> Array:
        """The array of a tensor."""
        onnx = optional("onnx")
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)
        self.allowance.count_tensor(tensor.name, tensor.dims, max(4, dtype.itemsize))
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            optional("onnx.external_data_helper").load_external_data_for_tensor(tensor, str(self.folder))
        array: Array = onnx.numpy_helper.to_array(tensor)
        return array

    def _computed(self, node: Any, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs of a node."""
        onnx = optional("onnx")
        values = [each.t for each in node.attribute if each.name == "value"]
        if node.op_type == "Identity":
            return {node.output[0]: inputs[node.input[0]]}
        if node.op_type == "Constant" and values:
            return {node.output[0]: self.read(values[0])}
        self.allowance.count_steps(_COMPUTED)
        self.allowance.count_tensor(node.output[0], [_most(node, [*inputs.values()])])
        names = [name for name in node.output if name]
        value = onnx.ValueInfoProto
        graph = onnx.helper.make_graph(
            [node], "one", [value(name=name) for name in inputs], [value(name=name) for name in names]
        )
        model = onnx.helper.make_model(graph, opset_imports=self.opsets)
        outputs = optional("onnx.reference").ReferenceEvaluator(model).run(None, {**inputs})
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
