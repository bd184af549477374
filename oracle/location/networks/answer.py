"""An answer of a whole network, beside what is right."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import LayerInputs
from oracle.location.layers.memory import near
from oracle.location.networks.evaluated import evaluate
from oracle.rounding import Bounded
from reference.contract import CONTRACTS, Array


@dataclass(frozen=True)
class Answer:
    """What is `shown` by name: `a (D n_h, m, T_x)`, and last states `(L D n, m, 1)`, one below the other."""

    inputs: LayerInputs
    shown: Mapping[str, Array]

    @cached_property
    def right(self) -> dict[str, Bounded]:
        """What should be."""
        return evaluate(self.inputs)

    @cached_property
    def wrong(self) -> dict[str, Array]:
        """Where it is not."""
        return {name: ~near(array, self.right[name]) for name, array in self.shown.items()}

    @property
    def is_right(self) -> bool:
        """Whether it is so everywhere."""
        return not any(wrong.any() for wrong in self.wrong.values())


def answer(function: str, program: Program, inputs: LayerInputs) -> Answer | None:
    """`None` where it has not the form of the contract."""
    outputs = program(inputs).outputs
    (places, n_h, m), n_a, T_x = inputs.a0.shape, inputs.c0.shape[1], inputs.x.shape[2]
    shapes = {"a": (inputs.directions * n_h, m, T_x), "a_last": (places, n_h, m), "c_last": (places, n_a, m)}
    shown: dict[str, Array] = {}
    for i, name in enumerate(CONTRACTS[function].outputs):
        array = outputs.get(f".{i}")
        if not isinstance(array, np.ndarray) or array.shape != shapes[name]:
            return None
        shown[name] = array if name == "a" else array.reshape(-1, m, 1)
    return Answer(inputs, shown)
