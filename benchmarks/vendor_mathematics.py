"""What a framework's tanh and sigmoid cost, as its recurrent layers use them, in units roundoff.

The layer itself is asked: where all weights but one are 0, biases open or close the gates, and a state or an
output is the function of its input alone. The exact value is enclosed by ball arithmetic.
"""

from collections.abc import Callable, Mapping

import numpy as np
from flint import arb

from oracle.inputs import LayerInputs
from oracle.rounding import Arithmetic
from properties.answered.answer import Answer
from properties.answered.implementation import Implementation, Returned
from reference.contract import CONTRACTS, Array

POINTS = 2000
OPEN = 60.0
"""A pre-activation at which a gate is 1, in any precision; the negative one closes it but for 1e-26."""


def cost(implementation: Implementation, dtype: str) -> dict[str, float]:
    """The largest error of each function in units roundoff, absolutely, over many points from -30 to 30."""
    given = implementation.load().functions
    z = np.sort(np.random.default_rng(1).standard_cauchy(POINTS).clip(-30, 30)).astype(dtype)
    u = Arithmetic(dtype).u
    costs = {}
    if "rnn_layer" in given:
        shown = _shown(implementation, "rnn_layer", _rnn(z))
        costs["tanh of the RNN"] = _worst(shown, "a", z, "tanh") / u
    if "lstm_layer" in given:
        shown = _shown(implementation, "lstm_layer", _lstm(z, {"bf": OPEN, "bo": OPEN}, c0=z))
        costs["tanh of the LSTM"] = _worst(shown, "a", z, "tanh") / u
        one = np.ones_like(z)
        shown = _shown(implementation, "lstm_layer", _lstm(z, {}, c0=one))
        costs["sigmoid of the LSTM"] = _worst(shown, "c_last", z, "sigmoid") / u
    return costs


def _shown(implementation: Implementation, function: str, inputs: LayerInputs) -> Mapping[str, Array]:
    reply = implementation.call(function, inputs.arguments(function))
    if not isinstance(reply, Returned):
        return {}
    return Answer(CONTRACTS[function], reply, inputs.sizes).outputs


def _rnn(z: Array) -> LayerInputs:
    one = np.ones((1, 1), z.dtype)
    parameters = {"Wax": one, "Waa": 0 * one, "ba": 0 * one}
    zero, none = np.zeros((1, 1, len(z)), z.dtype), np.zeros((1, 0, len(z)), z.dtype)
    return LayerInputs("rnn", z[None, :, None], zero, none, [parameters], z.dtype)


def _lstm(z: Array, biases: Mapping[str, float], c0: Array) -> LayerInputs:
    """The forget gate has the input, unless it has a bias; the update gate is closed, the candidate 0."""
    weight = np.zeros((1, 2), z.dtype)
    forget = weight if "bf" in biases else np.array([[0, 1]], z.dtype)
    gates = {"Wf": forget, "Wi": weight, "Wc": weight, "Wo": weight}
    values = {"bf": 0.0, "bi": -OPEN, "bc": 0.0, "bo": 0.0, **biases}
    parameters = {**gates, **{name: np.array([[value]], z.dtype) for name, value in values.items()}}
    zero = np.zeros((1, 1, len(z)), z.dtype)
    return LayerInputs("lstm", z[None, :, None], zero, c0[None, None], [parameters], z.dtype)


def _worst(shown: Mapping[str, Array], name: str, z: Array, function: str) -> float:
    if name not in shown:
        return float("nan")
    exact = _EXACT[function]
    pairs = zip(shown[name].ravel().tolist(), z.tolist(), strict=True)
    return max(abs(float((arb(ours) - exact(arb(point))).mid())) for ours, point in pairs)


_EXACT: Mapping[str, Callable[[arb], arb]] = {
    "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
}
