"""Runs both models on the same inputs, and finds the wrong recurrent nodes and all other differences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from oracle.checkpoints.contents import CheckpointError
from oracle.checkpoints.reading_process import MEMORY_LIMIT
from oracle.parity import weight_copies
from oracle.parity.exported import LayerPass, run_exported
from oracle.parity.original import named_arrays, run_original
from oracle.witnesses.propagation import evaluate
from oracle.witnesses.verdict import Comparison
from reference.contract import Array

MOST_STEPS = 10_000
"""The most steps of all samples on which a node is judged, unless its layer has as many."""


@dataclass(frozen=True)
class Difference:
    """The largest difference between two arrays.

    The operators between recurrent layers have no derived bound. So a difference is an error if less than
    half of the digits agree, relative to the largest number of the original.
    """

    largest: float
    is_error: bool
    words: str


def difference(ours: Array, theirs: Array, name: str) -> Difference:
    """Compare an array of the exported model with the original. Unequal shapes differ by infinity."""
    if ours.shape != theirs.shape:
        return Difference(np.inf, True, f"{name} has the shape {ours.shape}, not {theirs.shape}")
    floats = [array.dtype for array in (ours, theirs) if array.dtype.kind == "f"]
    tolerance = max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0) ** 0.5
    a, b = (array.astype(np.float64) for array in (ours, theirs))
    with np.errstate(invalid="ignore"):
        differences = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    largest = float(np.nan_to_num(differences, nan=np.inf, posinf=np.inf).max(initial=0.0))
    scale = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
    return Difference(largest, largest > tolerance * scale, f"{name} differs by {largest:.2g}")


NO_DIFFERENCE = Difference(0.0, False, "nothing differs")


@dataclass(frozen=True)
class Row:
    """A recurrent node and its layer of the original; one of the two may be missing."""

    node: LayerPass | None
    layer: LayerPass | None
    weights: str = ""  # how the node's parameters and attributes differ from the layer's, in words
    input_difference: Difference = NO_DIFFERENCE
    output_difference: Difference = NO_DIFFERENCE
    error: float = 0.0  # the node's largest error, as a fraction of its bound
    is_vague: bool = False  # whether the bound is too large to be useful

    @property
    def node_or_layer(self) -> LayerPass:
        """The node, or the layer that has no node."""
        present = self.node or self.layer
        assert present
        return present

    @property
    def verdict(self) -> str:
        """The verdict on the node, in one or two words."""
        if not (self.node and self.layer):
            return "no module" if self.node else "no node"
        if self.error > 1:
            return "wrong"
        return "other weights" if self.weights else "vague" if self.is_vague else "right"

    @property
    def is_right(self) -> bool:
        """Whether no error of the node is known."""
        return self.verdict in ("right", "vague")


@dataclass(frozen=True)
class Parity:
    """The rows in the order of the nodes, and the differences between the outputs of both models."""

    rows: Sequence[Row]
    outputs: Sequence[Difference]

    @property
    def is_right(self) -> bool:
        """Whether every node is right, and the models do not differ outside of the nodes."""
        return all(row.is_right for row in self.rows) and not self._difference_outside

    @property
    def sentence(self) -> str:
        """A sentence on the first wrong row, and on the first difference outside of the nodes."""
        wrong = [row.node_or_layer.layer.prefix for row in self.rows if not row.is_right]
        first = f"The first wrong row is {wrong[0]}" if wrong else ""
        clauses = [first or "Every recurrent node is right for its inputs", self._difference_outside]
        return "; ".join(filter(None, clauses)) + "."

    @property
    def _difference_outside(self) -> str:
        """The first difference of the models, if it is outside of the recurrent nodes; empty otherwise.

        Later differences do not count, since the first difference may cause them, even if it is within the
        bound of its node.
        """
        for row in self.rows:
            if row.input_difference.is_error:
                prefix = row.node_or_layer.layer.prefix
                return f"the models differ before {prefix}: {row.input_difference.words}"
            if row.output_difference.is_error:
                return ""
        outputs = self.outputs if all(row.is_right for row in self.rows) else ()
        wrong = next((each for each in outputs if each.is_error), None)
        return f"the models differ after the last recurrent node: {wrong.words}" if wrong else ""


def compare(path: Path, module: Any, examples: Any, memory_limit: int = MEMORY_LIMIT) -> Parity:
    """Run both models, and judge every recurrent node. To run the file may take `memory_limit` bytes.

    Raises `CheckpointError`, with a message of one line, if the models cannot be compared.
    """
    layers, theirs = run_original(module, examples)
    nodes, ours = run_exported(path, [*named_arrays(examples)], memory_limit)
    try:
        rows = [_row(node, layer, layers) for node, layer in _pairs(nodes, layers)]
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    outputs = [difference(*both, f"output {k}") for k, both in enumerate(zip(ours, theirs, strict=False))]
    if len(ours) != len(theirs):
        count = f"the exported model returns {len(ours)} tensors, and the original {len(theirs)}"
        outputs.append(Difference(np.inf, True, count))
    return Parity(rows, outputs)


def _pairs(
    nodes: Sequence[LayerPass], layers: Sequence[LayerPass]
) -> list[tuple[LayerPass | None, LayerPass | None]]:
    """Return every node with its layer, in the order of the nodes; then the layers without a node.

    The layer of a node is the first free layer with the same weights, since exporters may change the order of
    branches. If no layer has these weights, it is the first free layer with the same sizes.
    """
    free, layer_of = [*layers], dict[int, LayerPass]()
    sizes = [f"layer.{name}" for name in ("kind", "n_x", "n_a", "n_p", "directions")]
    for key in (attrgetter("layer.digest"), attrgetter(*sizes)):
        for k, node in enumerate(nodes):
            layer = next((each for each in free if k not in layer_of and key(each) == key(node)), None)
            if layer:
                layer_of[k] = layer
                free = [each for each in free if each is not layer]
    return [*((node, layer_of.get(k)) for k, node in enumerate(nodes)), *((None, each) for each in free)]


def _row(node: LayerPass | None, layer: LayerPass | None, layers: Sequence[LayerPass]) -> Row:
    """Judge a node: its right outputs are computed from its own inputs and the parameters of its layer.

    Raises `CheckpointError` if the node has many more steps than the layer.
    """
    if not node or not layer:
        return Row(node, layer)
    steps = math.prod(node.inputs.x.shape[1:])
    if steps > max(MOST_STEPS, math.prod(layer.inputs.x.shape[1:])):
        raise CheckpointError(f"{node.layer.prefix} has {steps} steps of all samples, too many to judge it")
    inputs = replace(node.inputs, parameters=layer.inputs.parameters, activation=layer.inputs.activation)
    bounds = evaluate(inputs)
    comparisons = [
        Comparison(inputs, name, name, array, bounds[name].value, bounds[name].error, witness_name="exact")
        for name, array in node.outputs.items()
    ]
    input_differences = _differences(node.used_inputs, layer.used_inputs)
    if not np.array_equal(node.inputs.ends, layer.inputs.ends):
        # The cause of the other differences comes first.
        input_differences.insert(0, Difference(np.inf, True, "the lengths differ"))
    return Row(
        node,
        layer,
        "; ".join(_weight_differences(node, layer, layers)),
        _worst(input_differences),
        _worst(_differences(node.used_outputs, layer.used_outputs)),
        max(each.worst for each in comparisons),
        any(each.is_meaningless for each in comparisons),
    )


def _differences(ours: dict[str, Array], theirs: dict[str, Array]) -> list[Difference]:
    return [difference(array, theirs[name], name) for name, array in ours.items()]


def _worst(differences: Sequence[Difference]) -> Difference:
    return max(differences, key=lambda each: (each.is_error, each.largest))


def _weight_differences(node: LayerPass, layer: LayerPass, layers: Sequence[LayerPass]) -> Iterator[str]:
    if sentence := weight_copies.difference(layer.layer, node.layer, [each.layer for each in layers]):
        yield sentence
    yield from node.layer.remarks
    if node.inputs.activation != layer.inputs.activation:
        yield f"{node.inputs.activation} is used in place of {layer.inputs.activation}"
