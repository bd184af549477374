"""How long a network can be driven until the bound on its whole trajectory has grown beyond use."""

import numpy as np

from oracle.checkpoints import RecurrentLayer
from oracle.inputs import LayerInputs
from oracle.propagation import evaluate
from oracle.verdict import BEYOND_USE

STEPS = 1000
"""As far as is looked."""


def horizon(layer: RecurrentLayer) -> int:
    """For how many steps, at most `STEPS`, the bound is of use for most of `a`.

    In float32, for one sample of standard normal inputs from standard normal states. Beyond that only laws
    that look at each step by itself are sharp.
    """
    a = evaluate(_driven(layer))["a"]
    with np.errstate(invalid="ignore"):
        relative = a.error[:, 0] / np.maximum(1, np.abs(a.value[:, 0]))
    beyond = 2 * np.count_nonzero(~(relative <= BEYOND_USE), axis=0) > len(relative)
    if layer.directions == 2:  # of which the backward one begins at the end
        beyond = beyond | beyond[::-1]
    return int(np.argmax(beyond)) if beyond.any() else STEPS


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
