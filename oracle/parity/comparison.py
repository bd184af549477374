"""Runs both models on the same inputs, and finds the wrong recurrent nodes and all other differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from oracle import weight_copies
from oracle.parity import models
from oracle.parity.models import LayerPass, ParityError
from oracle.propagation import evaluate
from oracle.verdict import Comparison
from reference.contract import Array


@dataclass(frozen=True)
class Difference:
    """The largest difference of two arrays, and whether rounding does not explain it.

    The operators between recurrent layers have no derived bound, so half of the digits must agree, relative
    to the largest number of the original.
    """

    largest: float
    is_error: bool
    where: str

    def __str__(self) -> str:
        return f"{self.where} differs by {self.largest:.2g}" if np.isfinite(self.largest) else self.where


def difference(ours: Array, theirs: Array, where: str) -> Difference:
    """The difference of an array of the exported model from the original; infinite for other shapes."""
    if ours.shape != theirs.shape:
        return Difference(np.inf, True, f"{where} has the shape {ours.shape}, not {theirs.shape}")
    floats = [array.dtype for array in (ours, theirs) if array.dtype.kind == "f"]
    allowed = max((float(np.finfo(dtype).eps) for dtype in floats), default=0.0) ** 0.5
    a, b = (array.astype(np.float64) for array in (ours, theirs))
    with np.errstate(invalid="ignore"):
        apart = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))
    largest = float(np.nan_to_num(apart, nan=np.inf, posinf=np.inf).max(initial=0.0))
    scale = float(np.abs(b).max(initial=0.0, where=np.isfinite(b)))
    return Difference(largest, largest > allowed * scale, where)


NONE = Difference(0.0, False, "nothing")


@dataclass(frozen=True)
class Row:
    """A recurrent node and its layer of the original; one of the two may be missing.

    `worst` is the largest error of the node as a fraction of its bound. The right outputs are computed from
    the node's own inputs and the layer's parameters.
    """

    node: LayerPass | None
    layer: LayerPass | None
    weights: str = ""  # how the node's parameters and attributes differ from the layer's, in words
    given: Difference = NONE  # of the inputs
    returned: Difference = NONE  # of the outputs
    worst: float = 0.0
    is_vague: bool = False  # whether the bound is too large to be useful

    @property
    def name(self) -> str:
        """The name of the node, or of the layer that has no node."""
        either = self.node or self.layer
        return either.layer.prefix if either else ""

    @property
    def verdict(self) -> str:
        """The verdict on the node, in one or two words."""
        if not (self.node and self.layer):
            return "no module" if self.node else "no node"
        if self.worst > 1:
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
        return all(row.is_right for row in self.rows) and not self._elsewhere

    @property
    def sentence(self) -> str:
        """A sentence on the first wrong row and the first difference of the models outside of wrong nodes."""
        wrong = next((f"The first wrong row is {row.name}" for row in self.rows if not row.is_right), "")
        parts = [wrong or "Every recurrent node is right for its inputs", self._elsewhere]
        return "; ".join(filter(None, parts)) + "."

    @property
    def _elsewhere(self) -> str:
        """The first difference of the models, if it is outside of the recurrent nodes; empty otherwise.

        Only the first counts: later differences may follow from it, even if the first is within the bound of
        its node.
        """
        for row in (row for row in self.rows if row.node and row.layer):
            if row.given.is_error:
                return f"the models differ before {row.name}: {row.given}"
            if row.returned.is_error:
                return ""
        outputs = self.outputs if all(row.is_right for row in self.rows) else ()
        wrong = next((each for each in outputs if each.is_error), None)
        return f"the models differ after the last recurrent node: {wrong}" if wrong else ""


def compare(path: Path, module: Any, examples: Any) -> Parity:
    """Run both models, and judge every recurrent node.

    Raises `ParityError` or `CheckpointError`, with a message of one line, if the models cannot be compared.
    """
    model = models.load(path)
    feeds = _feeds(path, model, examples)
    layers, theirs = models.run_original(module, examples)
    nodes, ours = models.run_exported(path, model, feeds)
    rows = [_judged(node, layer, layers) for node, layer in _matched(nodes, layers)]
    outputs = [difference(*both, f"output {k}") for k, both in enumerate(zip(ours, theirs, strict=False))]
    if len(ours) != len(theirs):
        count = f"the exported model returns {len(ours)} tensors, and the original {len(theirs)}"
        outputs.append(Difference(np.inf, True, count))
    return Parity(rows, outputs)


def _feeds(path: Path, model: Any, examples: Any) -> dict[str, Array]:
    """The example inputs by the names of the graph's inputs: matched by name, or else by order."""
    given, names = [*models.named_arrays(examples)], models.input_names(model)
    if len(given) != len(names):
        takes = f"{path} takes {len(names)}: {', '.join(names) or 'none'}"
        raise ParityError(f"there are {len(given)} tensors in the example inputs, and {takes}")
    if {name for name, _ in given} == {*names}:
        return dict(given)
    return {name: array for name, (_, array) in zip(names, given, strict=True)}


def _matched(
    nodes: Sequence[LayerPass], layers: Sequence[LayerPass]
) -> list[tuple[LayerPass | None, LayerPass | None]]:
    """Every node with its layer, in the order of the nodes; then the layers without a node.

    The layer of a node is the first unmatched layer with the same weights, since exporters may change the
    order of branches; if no layer has these weights, the first unmatched layer with the same sizes.
    """
    free, chosen = [*layers], dict[int, LayerPass]()
    for key in (attrgetter("layer.digest"), attrgetter("sizes")):
        for k, node in enumerate(nodes):
            layer = next((each for each in free if k not in chosen and key(each) == key(node)), None)
            if layer:
                chosen[k] = layer
                free = [each for each in free if each is not layer]
    return [*((node, chosen.get(k)) for k, node in enumerate(nodes)), *((None, each) for each in free)]


def _judged(node: LayerPass | None, layer: LayerPass | None, layers: Sequence[LayerPass]) -> Row:
    if not node or not layer:
        return Row(node, layer)
    ours, theirs = node.inputs, layer.inputs
    posed = replace(ours, parameters=theirs.parameters, activation=theirs.activation)
    bounds = evaluate(posed)
    comparisons = [
        Comparison(posed, name, name, array, bounds[name].value, bounds[name].error, rival="exact")
        for name, array in node.outputs.items()
    ]
    given = [difference(array, layer.given[name], name) for name, array in node.given.items()]
    returned = [difference(array, layer.returned[name], name) for name, array in node.returned.items()]
    if not np.array_equal(ours.ends, theirs.ends):
        given.insert(0, Difference(np.inf, True, "the lengths differ"))  # which causes other differences
    return Row(
        node,
        layer,
        "; ".join(_other_weights(node, layer, layers)),
        _worst(given),
        _worst(returned),
        max(each.worst for each in comparisons),
        any(each.beyond_use for each in comparisons),
    )


def _worst(differences: Sequence[Difference]) -> Difference:
    return max(differences, key=lambda each: (each.is_error, each.largest))


def _other_weights(node: LayerPass, layer: LayerPass, layers: Sequence[LayerPass]) -> Iterator[str]:
    if wrong := weight_copies.difference(layer.layer, node.layer, [each.layer for each in layers]):
        yield wrong
    yield from node.layer.remarks
    if node.inputs.activation != layer.inputs.activation:
        yield f"{node.inputs.activation} is used in place of {layer.inputs.activation}"
