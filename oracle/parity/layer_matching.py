"""Matches the recurrent nodes of the exported model with the layers of the original."""

from collections.abc import Callable, Sequence

from oracle.parity.layer_pass import LayerPass, difference

Pairs = list[tuple[LayerPass | None, LayerPass | None]]
Key = Callable[[LayerPass], object]


def matched(nodes: Sequence[LayerPass], layers: Sequence[LayerPass]) -> Pairs:
    """Every node with its layer, in the order of the nodes; then the layers without a node.

    Nodes and layers are matched by their weights, and the rest in order by their sizes, since exporters may
    change the order of branches. If matching all of them by their sizes gives more nodes with the inputs of
    the original, it is the result: then weights are in the wrong place.
    """
    by_weights = _paired(nodes, layers, lambda each: each.layer.digest, lambda each: each.sizes)
    by_order = _paired(nodes, layers, lambda each: each.sizes)
    return by_order if _same_inputs(by_order) > _same_inputs(by_weights) else by_weights


def _paired(nodes: Sequence[LayerPass], layers: Sequence[LayerPass], *keys: Key) -> Pairs:
    """Each node with the first free layer that has the same key; the first key is tried before the second."""
    free = [*layers]
    chosen: dict[int, LayerPass] = {}
    for key in keys:
        for k, node in enumerate(nodes):
            layer = next((each for each in free if k not in chosen and key(each) == key(node)), None)
            if layer:
                chosen[k] = layer
                free = [each for each in free if each is not layer]
    return [*((node, chosen.get(k)) for k, node in enumerate(nodes)), *((None, each) for each in free)]


def _same_inputs(pairs: Pairs) -> int:
    both = ((node.given["x"], layer.given["x"]) for node, layer in pairs if node and layer)
    return sum(not difference(ours, theirs, "x").is_error for ours, theirs in both)
