"""Gates of layers that are stacked in one order and read back in another."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.how.cases import STACKED
from oracle.location.how.stacked_gates import READ
from oracle.location.networks.mistaken import Mistaken, explains_with, said
from oracle.location.where.gates import LETTER
from reference.contract import Array

OF_GATES = "ft, it, cct and ot are made with rows of each other"


def of_stacked_gates() -> Iterator[Mistaken]:
    """Rows that are read unit by unit though they stand gate by gate, or the other way round, of an LSTM."""
    for order in permutations(LETTER.values()):
        for words, read in READ.items():
            how = f"as if z of the {STACKED}{', '.join(order)}, {words}"
            explains = partial(explains_with, partial(_read, order, read))
            yield Mistaken(OF_GATES, partial(said, how), "where n_a is more than 1", explains)


def _read(order: Sequence[str], read: Callable[[Array], Array], inputs: LayerInputs) -> LayerInputs:
    parameters = []
    for own in inputs.parameters:
        taken = {
            f"{part}{letter}": rows
            for part in "Wb"
            for letter, rows in zip(
                order, read(np.stack([own[f"{part}{gate}"] for gate in order])), strict=True
            )
        }
        parameters.append({**own, **taken})
    return replace(inputs, parameters=parameters)
