"""Both models on the same inputs, and which recurrent node is wrong, or where the two part otherwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from oracle import weight_copies
from oracle.parity import exported_model, original_model
from oracle.parity.layer_matching import matched
from oracle.parity.layer_pass import SAME, Difference, ParityError, Passage, difference
from oracle.propagation import evaluate
from oracle.verdict import Comparison
from reference.contract import Array


@dataclass(frozen=True)
class Row:
    """A node beside the layer of the original that it stands for; one of them may be missing.

    Attributes
    ----------
    weights
        How its parameters, or what else it has, differ from the original's; empty where they do not.
    given
        How far what it is given is from what the original is given there.
    gave
        The same of what it gives.
    worst
        Its largest error, of what the parameters of the original make of what the node was given, as a
        fraction of the bound on rounding.
    is_vague
        Whether that bound has grown so large that nothing is told by it.
    """

    node: Passage | None
    layer: Passage | None
    weights: str = ""
    given: Difference = SAME
    gave: Difference = SAME
    worst: float = 0.0
    is_vague: bool = False

    @property
    def name(self) -> str:
        """Of the node, or of the layer that has none."""
        passage = self.node or self.layer
        return passage.name if passage else ""

    @property
    def verdict(self) -> str:
        """In one or two words."""
        if not self.node:
            return "no node"
        if not self.layer:
            return "no module"
        if self.worst > 1:
            return "wrong"
        return "other weights" if self.weights else "vague" if self.is_vague else "right"

    @property
    def is_right(self) -> bool:
        """Whether nothing speaks against it."""
        return self.verdict in ("right", "vague")


@dataclass(frozen=True)
class Parity:
    """The rows in the order of the nodes, and how far what the models return is apart."""

    rows: Sequence[Row]
    outputs: Sequence[Difference]
    passed_over: Sequence[str]

    @property
    def is_right(self) -> bool:
        """Whether every node is, and nothing else makes a difference."""
        return all(row.is_right for row in self.rows) and not self._elsewhere

    @property
    def sentence(self) -> str:
        """Which node is the first wrong one, and where the models part for another reason."""
        wrong = next((row for row in self.rows if not row.is_right), None)
        parts = [_accused(wrong) if wrong else "Every recurrent node is right on what it was given"]
        parts += [each for each in (self._elsewhere, self._grown) if each]
        if len(parts) == 1 and not wrong:
            parts.append("and so is what the model returns")
        return "; ".join(parts) + "."

    @property
    def _elsewhere(self) -> str:
        """Where the models part, if that is in no recurrent node."""
        row = self._parting
        if row and row.given.parted:
            return f"the two models part before {row.name}: {_apart(row.given)}"
        if row or any(not row.is_right for row in self.rows):
            return ""
        parted = [each for each in self.outputs if each.parted]
        return f"the two models part after the last recurrent node: {_apart(parted[0])}" if parted else ""

    @property
    def _grown(self) -> str:
        """Where a node that is right makes much of a small difference."""
        row = self._parting
        if row and row.is_right and not row.given.parted:
            return f"in {row.name} rounding grows: {_apart(row.gave)}, within its bound"
        return ""

    @property
    def _parting(self) -> Row | None:
        """The first row at which the models are apart: what comes later may inherit it."""
        both = (row for row in self.rows if row.node and row.layer)
        return next((row for row in both if row.given.parted or row.gave.parted), None)


def compare(path: Path, module: Any, examples: Any = None, seed: int = 0) -> Parity:
    """Run both, and judge every recurrent node where it stands. Without examples inputs are drawn.

    Raises `ParityError` or `CheckpointError`, of one line, where the two cannot be compared.
    """
    model = exported_model.load(path)
    if examples is None:
        feeds = exported_model.drawn(model, seed)
        examples = original_model.as_arguments([*feeds.values()])
    else:
        feeds = _fed(model, examples)
    layers, theirs = original_model.run(module, examples)
    nodes, ours = model.run(feeds)
    rows = [_judged(node, layer, layers) for node, layer in matched(nodes, layers)]
    return Parity(rows, [*_returned(ours, theirs)], model.passed_over)


def _fed(model: exported_model.Exported, examples: Any) -> dict[str, Array]:
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


def _judged(node: Passage | None, layer: Passage | None, layers: Sequence[Passage]) -> Row:
    if not node or not layer:
        return Row(node, layer)
    ours, theirs = node.inputs, layer.inputs
    # The original's parameters on what the node was given: what is wrong before it does not count.
    posed = replace(ours, parameters=theirs.parameters, activation=theirs.activation)
    bounds = evaluate(posed)
    comparisons = [
        Comparison(posed, name, name, array, bounds[name].value, bounds[name].error, rival="exact")
        for name, array in node.outputs.items()
    ]
    lengths = np.array_equal(ours.ends, theirs.ends)
    given = [] if lengths else [Difference(float("inf"), True, "the lengths are others")]
    given += [difference(array, layer.given[name], name) for name, array in node.given.items()]
    gave = [difference(array, layer.gave[name], name) for name, array in node.gave.items()]
    return Row(
        node,
        layer,
        "; ".join(
            [
                *filter(
                    None, [weight_copies.difference(layer.layer, node.layer, [each.layer for each in layers])]
                ),
                *_remarks(node, layer),
            ]
        ),
        _furthest(given),
        _furthest(gave),
        max(each.worst for each in comparisons),
        any(each.beyond_use for each in comparisons),
    )


def _remarks(node: Passage, layer: Passage) -> Iterator[str]:
    yield from node.remarks
    if node.inputs.activation != layer.inputs.activation:
        yield f"{node.inputs.activation} stands for {layer.inputs.activation}"


def _furthest(differences: Sequence[Difference]) -> Difference:
    """Those that part first."""
    return max(differences, key=lambda each: (each.parted, each.largest))


def _returned(ours: Sequence[Array], theirs: Sequence[Array]) -> Iterator[Difference]:
    for k, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        yield difference(mine, other, f"output {k}")
    if len(ours) != len(theirs):
        count = f"it returns {len(ours)} tensors, and the original {len(theirs)}"
        yield Difference(float("inf"), True, count)


def _accused(row: Row) -> str:
    if not row.node:
        return f"{row.name} of the original has no node of its sizes"
    if not row.layer:
        return f"{row.name} is no layer of the original, which has none of its sizes"
    why = f": {row.weights}" if row.weights else ", with the weights of the original"
    off = (
        f"its output is {row.worst:.2g} times its bound off"
        if row.worst > 1
        else "its output is in its bound"
    )
    return f"The first wrong node is {row.name} ({row.layer.name}){why}; {off}"


def _apart(each: Difference) -> str:
    return f"{each.where} differs by {each.largest:.2g}" if each.largest < float("inf") else each.where
