"""Which layer of the original a node of the exported model stands for."""

from collections.abc import Sequence

from oracle.parity.layer_pass import Passage, difference

Pairs = list[tuple[Passage | None, Passage | None]]


def matched(nodes: Sequence[Passage], layers: Sequence[Passage]) -> Pairs:
    """Every node with its layer, in the order of the nodes; then the layers that have none.

    By weights, and what is left in order among those of its sizes: exporters may put branches in another
    order. But where in order alone more of them are given what the original is given, by order alone:
    then weights are in the wrong place.
    """
    by_weights, by_order = _paired(nodes, layers, weights=True), _paired(nodes, layers, weights=False)
    return by_order if _fitting(by_order) > _fitting(by_weights) else by_weights


def _paired(nodes: Sequence[Passage], layers: Sequence[Passage], *, weights: bool) -> Pairs:
    free = [*layers]
    chosen: dict[int, Passage] = {}
    for alikeness in (_digest, _sizes) if weights else (_sizes,):
        for k, node in enumerate(nodes):
            if k not in chosen:
                alike = [each for each in free if alikeness(each) == alikeness(node)]
                if alike:
                    chosen[k] = alike[0]
                    free = [each for each in free if each is not alike[0]]
    return [*((node, chosen.get(k)) for k, node in enumerate(nodes)), *((None, each) for each in free)]


def _digest(passage: Passage) -> object:
    return passage.layer.digest


def _sizes(passage: Passage) -> object:
    return passage.sizes


def _fitting(pairs: Pairs) -> int:
    return sum(
        not difference(node.given["x"], layer.given["x"], "x").parted
        for node, layer in pairs
        if node and layer
    )
