"""Both models on the same inputs: which recurrent node is wrong, or where else the models differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from oracle import weight_copies
from oracle.parity import exported_model, original_model
from oracle.parity.layer_matching import matched
from oracle.parity.layer_pass import Difference, LayerPass, ParityError, difference
from oracle.propagation import evaluate
from oracle.verdict import Comparison
from reference.contract import Array

NONE = Difference(0.0, False, "nothing")


@dataclass(frozen=True)
class Row:
    """A node beside the layer of the original that it stands for; one of them may be missing.

    Attributes
    ----------
    weights
        How its parameters and attributes differ from the original's; empty where they do not.
    given, returned
        How its inputs and outputs differ from the original's.
    worst
        Its largest error as a fraction of the bound on rounding. The right outputs are computed from the
        node's own inputs and the original's parameters.
    is_vague
        Whether the bound is too large to judge by.
    """

    node: LayerPass | None
    layer: LayerPass | None
    weights: str = ""
    given: Difference = NONE
    returned: Difference = NONE
    worst: float = 0.0
    is_vague: bool = False

    @property
    def name(self) -> str:
        """The name of the node, or of the layer that has no node."""
        either = self.node or self.layer
        return either.layer.prefix if either else ""

    @property
    def verdict(self) -> str:
        """One or two words."""
        if not self.node:
            return "no node"
        if not self.layer:
            return "no module"
        if self.worst > 1:
            return "wrong"
        return "other weights" if self.weights else "vague" if self.is_vague else "right"

    @property
    def is_right(self) -> bool:
        """Whether nothing is known to be wrong."""
        return self.verdict in ("right", "vague")

    @property
    def accusation(self) -> str:
        """The sentence about a wrong node, without a full stop."""
        if not self.node:
            return f"{self.name} of the original has no node of its sizes"
        if not self.layer:
            return f"{self.name} is no layer of the original, which has none of its sizes"
        why = f": {self.weights}" if self.weights else ", with the weights of the original"
        is_off = f"{self.worst:.2g} times its bound off" if self.worst > 1 else "in its bound"
        return f"The first wrong node is {self.name} ({self.layer.layer.prefix}){why}; its output is {is_off}"


@dataclass(frozen=True)
class Parity:
    """The rows in the order of the nodes, the differences of what the models return, and skipped nodes."""

    rows: Sequence[Row]
    outputs: Sequence[Difference]
    skipped: Sequence[str]

    @property
    def is_right(self) -> bool:
        """Whether every node is right, and the models differ nowhere else."""
        return all(row.is_right for row in self.rows) and not self._elsewhere

    @property
    def sentence(self) -> str:
        """Which node is the first wrong one, and where the models differ for another reason."""
        wrong = next((row for row in self.rows if not row.is_right), None)
        parts = [wrong.accusation if wrong else "Every recurrent node is right on what it was given"]
        if self._elsewhere:
            parts.append(self._elsewhere)
        first = self._first_difference
        if first and first.is_right and not first.given.is_error:
            parts.append(f"in {first.name} rounding grows: {first.returned}, within its bound")
        if len(parts) == 1 and not wrong:
            parts.append("and so is what the model returns")
        return "; ".join(parts) + "."

    @property
    def _elsewhere(self) -> str:
        """Where the models differ, if that is in no recurrent node."""
        row = self._first_difference
        if row and row.given.is_error:
            return f"the two models part before {row.name}: {row.given}"
        if row or any(not row.is_right for row in self.rows):
            return ""
        wrong = next((each for each in self.outputs if each.is_error), None)
        return f"the two models part after the last recurrent node: {wrong}" if wrong else ""

    @property
    def _first_difference(self) -> Row | None:
        """The first row at which the models differ; later rows may inherit the difference."""
        both = (row for row in self.rows if row.node and row.layer)
        return next((row for row in both if row.given.is_error or row.returned.is_error), None)


def compare(path: Path, module: Any, examples: Any = None, seed: int = 0) -> Parity:
    """Run both models, and judge every recurrent node. Without examples, inputs are random.

    Raises `ParityError` or `CheckpointError`, of one line, where the two cannot be compared.
    """
    model = exported_model.load(path)
    if examples is None:
        feeds = exported_model.random_inputs(model, seed)
        examples = original_model.as_arguments(feeds.values())
    else:
        feeds = _feeds(model, examples)
    layers, theirs = original_model.run(module, examples)
    nodes, ours = model.run(feeds)
    rows = [_judged(node, layer, layers) for node, layer in matched(nodes, layers)]
    outputs = [difference(*both, f"output {k}") for k, both in enumerate(zip(ours, theirs, strict=False))]
    if len(ours) != len(theirs):
        count = f"it returns {len(ours)} tensors, and the original {len(theirs)}"
        outputs.append(Difference(np.inf, True, count))
    return Parity(rows, outputs, model.skipped)


def _feeds(model: exported_model.Exported, examples: Any) -> dict[str, Array]:
    """The example inputs by the names of the graph: by their own names, or else in order."""
    given = [*original_model.tensors(examples)]
    names = [*model.inputs]
    if len(given) != len(names):
        raise ParityError(
            f"there are {len(given)} tensors in the example inputs, and {model.path} takes {len(names)}: "
            + (", ".join(names) or "none")
        )
    if {name for name, _ in given} == {*names}:
        return dict(given)
    return {name: array for name, (_, array) in zip(names, given, strict=True)}


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
        given.insert(0, Difference(np.inf, True, "the lengths are others"))  # the cause of the others
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
