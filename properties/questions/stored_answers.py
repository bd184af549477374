"""Checks stored answers: their names, types and shapes, and whether they are near to the bounded values.

A target runs as the user, and may have written what is stored. An answer that is not valid is computed again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oracle.network.cells import GATES
from oracle.problems.inputs import Inputs
from oracle.witnesses.bounded import Bounded
from oracle.witnesses.verdict import Comparison, largest_ratio


def are_near(
    stored: Any,
    inputs: Sequence[Inputs],
    bounds: Sequence[Mapping[str, Bounded]],
    witness_name: str,
    *,
    gates: bool = False,
) -> bool:
    """Whether these are answers to all inputs that are as near to the bounded values as right answers are.

    `stored` is a value of any type of `worker.codec`. Torch has only the last memory state, and with `gates`
    it has only the gates.
    """
    if type(stored) is not list or len(stored) != len(inputs):
        return False
    for answer, of_one, known in zip(stored, inputs, bounds, strict=True):
        shapes = {name: each.value.shape for name, each in known.items()}
        if witness_name == "torch":
            shapes = {name: shape for name, shape in shapes.items() if (name in GATES.values()) == gates}
            if "c" in shapes:
                n_a, m, T_x = shapes["c"]
                shapes["c"] = n_a, m, min(T_x, 1)
        if type(answer) is not dict:
            return False
        found = {
            name: array.shape if type(array) is np.ndarray and array.dtype.kind == "f" else None
            for name, array in answer.items()
        }
        if found != shapes:
            return False
        outputs = {name: (array, known[name].value, known[name].error) for name, array in answer.items()}
        if not largest_ratio(of_one, outputs.values(), witness_name) <= 1 and any(
            Comparison(of_one, name, name, *output, witness_name=witness_name).worst > 1
            for name, output in outputs.items()
        ):
            return False
    return True
