"""Last hidden states that are read from those that are returned, at a step where they are not."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.layer_by_layer import are_its_layers
from oracle.location.networks.mistaken import Mistaken, said
from oracle.rounding import Bounded
from reference.contract import Array


def of_last_states_read() -> Iterator[Mistaken]:
    """Those of all layers, in one direction or in both."""
    for direction, places in _DIRECTIONS.items():
        for how, steps in _STEPS.items():
            explains = partial(are_its_layers, partial(_read_at, places, steps))
            where = f"a_last{direction} is not the state with which a layer has ended"
            yield Mistaken(where, partial(said, f"what is returned for {how}"), "", explains)


_DIRECTIONS = {
    " of a backward direction": slice(1, None),
    " of a forward direction": slice(1),
    "": slice(None),
}

_STEPS: Mapping[str, Callable[[Array, int], Array]] = {
    "the last step of x": lambda ends, T_x: 0 * ends + T_x - 1,
    "the last step of the sequence": lambda ends, T_x: ends - 1,
    "step 0": lambda ends, T_x: 0 * ends,
}


def _read_at(
    places: slice, steps: Callable[[Array, int], Array], inputs: LayerInputs, below: int
) -> Mapping[str, Bounded]:
    right = evaluate(inputs)
    if not inputs.x.shape[2]:
        return right
    step = steps(inputs.ends, inputs.x.shape[2])[None, :, None]
    read = Bounded(*(np.take_along_axis(part, step, axis=2) for part in (right["a"].value, right["a"].error)))
    rows = np.zeros(len(read.value), bool)
    rows.reshape(inputs.directions, -1)[places] = True
    a_last = (
        np.where(rows[:, None, None], taken, own)
        for taken, own in ((read.value, right["a_last"].value), (read.error, right["a_last"].error))
    )
    return {**right, "a_last": Bounded(*a_last)}
