"""Functions in forms: functions of the value of a node, or of the argument of an activation."""

from collections.abc import Callable, Mapping

import numpy as np

from oracle.faults.catalogue.precision import ROUNDED
from oracle.location.equations import sigmoid
from reference.contract import Array

Function = Callable[[Array, float], Array]


def _cut_to_bfloat16(v: Array) -> Array:
    """The first eight significant bits."""
    significand, exponent = np.frexp(v)
    return np.asarray(np.ldexp(np.trunc(256 * significand) / 256, exponent))


PLAIN: Mapping[str, tuple[Function, float]] = {
    "zero": (lambda v, _: np.zeros_like(v), 0.3),
    "one": (lambda v, _: np.ones_like(v), 0.5),
    "one minus": (lambda v, _: 1 - v, 0.8),
    "tanh": (lambda v, _: np.tanh(v), 0.8),
    "sigmoid": (lambda v, _: sigmoid(v), 0.8),
    "relu": (lambda v, _: np.maximum(v, 0), 0.9),
    "bfloat16, cut": (lambda v, _: _cut_to_bfloat16(v), 0.9),
} | {name: (lambda v, _, rounded=rounded: rounded(v), 0.9) for name, rounded in ROUNDED.items()}
"""Functions of the value of a node, without a parameter, each with its cost."""

ARGUMENT_FUNCTIONS: Mapping[str, tuple[Function, float]] = {
    "z": (lambda z, _: z, 0.7),
    "tanh": (lambda z, _: np.tanh(z), 0.7),
    "sigmoid": (lambda z, _: sigmoid(z), 0.7),
    "relu": (lambda z, _: np.maximum(z, 0), 0.8),
    "sigmoid(z), but exp(z) where z < 0": (lambda z, _: np.where(z < 0, np.exp(z), sigmoid(z)), 1.2),
    "(tanh(z) + 1) / 2": (lambda z, _: (np.tanh(z) + 1) / 2, 0.9),
    "1.7159 tanh(2 z / 3)": (lambda z, _: 1.7159 * np.tanh(2 * z / 3), 1.0),
    "0.2 z + 0.5 in [0, 1]": (lambda z, _: np.clip(0.2 * z + 0.5, 0, 1), 1.0),
    "z (27 + z^2) / (27 + 9 z^2) in [-1, 1]": (
        lambda z, _: np.clip(z * (27 + z * z) / (27 + 9 * z * z), -1, 1),
        1.0,
    ),
}
"""Functions of the argument of an activation that may replace the activation, each with its cost."""


NUMBERED: Mapping[str, Function] = {
    "constant": lambda v, k: np.full_like(v, k),
    "clipped": lambda v, k: np.clip(v, -k, k),
    "between": lambda v, k: np.clip(v, k, 1 - k),
    "times": lambda v, k: v * k,
    "plus": lambda v, k: v + k,
    "multiples": lambda v, k: np.round(v / k) * k,
}
"""Functions of the value of a node and a parameter."""


def function_named(name: str) -> Function:
    """The function of this name."""
    for table in (PLAIN, ARGUMENT_FUNCTIONS):
        if name in table:
            return table[name][0]
    return NUMBERED[name]
