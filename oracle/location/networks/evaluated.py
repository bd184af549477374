"""What networks give, which is kept: many mistakes have the inputs of a layer or direction in common."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from oracle import propagation
from oracle.inputs import LayerInputs
from oracle.rounding import Bounded
from reference.contract import Array

MOST = 256
"""How many are kept, the last that were asked for; one has some 50 KB."""

_KEPT: OrderedDict[Any, dict[str, Bounded]] = OrderedDict()


def evaluate(inputs: LayerInputs) -> dict[str, Bounded]:
    """As `oracle.propagation.evaluate`."""
    key = _key(inputs)
    found = _KEPT.pop(key, None) or propagation.evaluate(inputs)
    _KEPT[key] = found
    if len(_KEPT) > MOST:
        _KEPT.popitem(last=False)
    return found


def _key(inputs: LayerInputs) -> Any:
    arrays = b"".join(array.tobytes() for array in _arrays(inputs))
    shapes = tuple(array.shape for array in _arrays(inputs))
    return inputs.kind, inputs.dtype, inputs.directions, inputs.activation, shapes, arrays


def _arrays(inputs: LayerInputs) -> Iterator[Array]:
    yield from (inputs.x, inputs.a0, inputs.c0, inputs.ends)
    for own in inputs.parameters:
        for name in sorted(own):
            yield own[name]
