"""A step of one unit, small enough to know its exact values by hand."""

from typing import Any

import numpy as np

from oracle.exact import Enclosure, evaluate
from oracle.inputs import Inputs
from reference.contract import PARAMETERS, extent


def one(kind: Any, x: float, a0: float = 0.5, c0: float = 0.5, **changed: float) -> dict[str, Enclosure]:
    """A step of one unit, one feature and two classes, all parameters 1 but the changed ones."""
    parameters = {
        name: np.full(tuple(extent(size, {"n_a": 1, "n_x": 1, "n_y": 2}) for size in shape), 1.0)
        for name, shape in PARAMETERS[kind].items()
    }
    for name, value in changed.items():
        parameters[name][0, -1] = value
    memory = np.full((1 if kind == "lstm" else 0, 1), c0)
    inputs = Inputs(
        kind, np.full((1, 1, 1), x), np.full((1, 1), a0), memory, parameters, np.dtype(np.float64)
    )
    return {name: array[0, 0, 0] for name, array in evaluate(inputs, 1e-20).items()}
