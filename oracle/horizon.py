"""How long a network can be driven until the bound on its whole trajectory has grown beyond use."""

from dataclasses import dataclass, replace

import numpy as np

from oracle.checkpoints import RecurrentLayer
from oracle.inputs import LayerInputs
from oracle.propagation import evaluate
from oracle.verdict import BEYOND_USE

STEPS = 1000
"""The longest trajectory that is tried."""
TRIED = (4, 16, 64, 256, STEPS)
EFFORT = 10**8
"""Elements of weights that may be visited to measure all layers of a file: some seconds of a processor."""
_OVERHEAD = 3000
"""Elements that are visited in the time that a step takes whatever its size."""


@dataclass
class Effort:
    """How much may still be computed."""

    left: int = EFFORT

    def suffices(self, cost: int) -> bool:
        """Whether so much is left, which then is used."""
        if cost > self.left:
            return False
        self.left -= cost
        return True


@dataclass(frozen=True)
class Horizon:
    """For how many steps the bound is of use; at least so many where the effort sufficed for no more."""

    steps: int
    is_known: bool = True

    def __str__(self) -> str:
        if self.is_known:
            return f"{self.steps} steps"
        return f"≥ {self.steps} steps" if self.steps else "–"


def horizon(layer: RecurrentLayer, effort: Effort | None = None) -> Horizon:
    """For how many steps, at most `STEPS`, the bound is of use for most of `a`.

    In float32, for one sample of standard normal inputs from standard normal states. Beyond that only laws
    that look at each step by itself are sharp.
    """
    effort, sharp, driven = effort or Effort(2**63), 0, _driven(layer)
    size = sum(array.size for p in layer.parameters for array in p.values())
    for steps in TRIED:
        if not effort.suffices(steps * (size + _OVERHEAD * len(layer.parameters))):
            return Horizon(sharp, is_known=False)
        a = evaluate(replace(driven, x=driven.x[:, :, :steps]))["a"]
        with np.errstate(invalid="ignore"):
            relative = a.error[:, 0] / np.maximum(1, np.abs(a.value[:, 0]))
        beyond = 2 * np.count_nonzero(~(relative <= BEYOND_USE), axis=0) > len(relative)
        if layer.directions == 2:  # of which the backward one begins at the end
            beyond = beyond | beyond[::-1]
        if beyond.any():
            return Horizon(max(sharp, int(np.argmax(beyond))))
        sharp = steps
    return Horizon(sharp)


def spectral_radius(layer: RecurrentLayer, effort: Effort) -> float | None:
    """That of the layer; `None` where it would take too much effort."""
    gates = 1 if layer.kind == "rnn" else 4
    cost = len(layer.parameters) * gates * ((layer.n_p or layer.n_a) ** 3 // 4 + _OVERHEAD // 4)
    return layer.spectral_radius if effort.suffices(cost) else None


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
