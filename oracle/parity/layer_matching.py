"""Which layer of the original a node of the exported model stands for."""

from collections.abc import Callable, Sequence

from oracle.parity.layer_pass import LayerPass, difference

Pairs = list[tuple[LayerPass | None, LayerPass | None]]
Key = Callable[[LayerPass], object]


def matched(nodes: Sequence[LayerPass], layers: Sequence[LayerPass]) -> Pairs:
    """Every node with its layer, in the order of the nodes; then the layers that have no node.

    Nodes and layers are matched by their weights, and the rest in order by their sizes, since exporters may
    change the order of branches. If more nodes have the inputs of the original when all are matched in order
    by their sizes, that is the result: then weights are in the wrong place.
    """

    def of_weights(each: LayerPass) -> object:
        return each.layer.digest

    def of_sizes(each: LayerPass) -> object:
        return each.sizes

    by_weights, by_order = _paired(nodes, layers, of_weights, of_sizes), _paired(nodes, layers, of_sizes)
    return by_order if _same_inputs(by_order) > _same_inputs(by_weights) else by_weights


def _paired(nodes: Sequence[LayerPass], layers: Sequence[LayerPass], *keys: Key) -> Pairs:
    """The nodes with the first free layer of the same key, by the first key before the second."""
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
