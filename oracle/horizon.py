"""Counts the steps for which the bound on a trajectory of a network is small enough to be of use."""

from dataclasses import dataclass, replace

import numpy as np

from oracle.checkpoints import RecurrentLayer
from oracle.inputs import LayerInputs
from oracle.propagation import evaluate
from oracle.verdict import BEYOND_USE

STEPS = 1000
"""The length of the longest tried trajectory."""
TRIED = (4, 16, 64, 256, STEPS)
EFFORT = 10**8
"""The limit for visited elements of weights, for all layers of a file: some seconds of a processor."""
_OVERHEAD = 3000
"""The least time of a step, as the number of elements that take as long."""


@dataclass(frozen=True)
class Horizon:
    """The number of steps, or a lower bound of it if it is not known."""

    steps: int
    is_known: bool = True

    def __str__(self) -> str:
        if self.is_known:
            return f"{self.steps} steps"
        return f"≥ {self.steps} steps" if self.steps else "–"


def horizon(layer: RecurrentLayer, effort: int | None = None) -> Horizon:
    """The number of steps, at most `STEPS`, for which the bound is of use for most of `a`.

    The bound is that of float32, for one sample of standard normal inputs and states. Later steps can only
    be judged one by one. `effort` limits the elements of weights that one trajectory visits.
    """
    sharp, driven = 0, _driven(layer)
    size = sum(array.size for p in layer.parameters for array in p.values())
    for steps in TRIED:
        if effort is not None and steps * (size + _OVERHEAD * len(layer.parameters)) > effort:
            return Horizon(sharp, is_known=False)
        a = evaluate(replace(driven, x=driven.x[:, :, :steps]))["a"]
        with np.errstate(invalid="ignore"):
            relative = a.error[:, 0] / np.maximum(1, np.abs(a.value[:, 0]))
        beyond = 2 * np.count_nonzero(~(relative <= BEYOND_USE), axis=0) > len(relative)
        if layer.directions == 2:  # the backward direction begins at the end
            beyond = beyond | beyond[::-1]
        if beyond.any():
            return Horizon(max(sharp, int(np.argmax(beyond))))
        sharp = steps
    return Horizon(sharp)


def spectral_radius(layer: RecurrentLayer, effort: int) -> float | None:
    """The spectral radius of a layer; `None` if its cost exceeds the effort."""
    gates = 1 if layer.kind == "rnn" else 4
    cost = len(layer.parameters) * gates * ((layer.n_p or layer.n_a) ** 3 // 4 + _OVERHEAD // 4)
    return layer.spectral_radius if cost <= effort else None


def _driven(layer: RecurrentLayer) -> LayerInputs:
    rng, n_a = np.random.default_rng(0), layer.n_a
    places, n_c = len(layer.parameters), n_a if layer.kind == "lstm" else 0
    x, a0, c0 = (
        rng.standard_normal(shape).astype(np.float32)
        for shape in ((layer.n_x, 1, STEPS), (places, layer.n_p or n_a, 1), (places, n_c, 1))
    )
    activation = layer.activation or "tanh"
    return LayerInputs(
        layer.kind, x, a0, c0, layer.parameters, x.dtype, layer.directions, activation=activation
    )
