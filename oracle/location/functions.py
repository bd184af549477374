"""Functions in forms: functions of the value of a node, or of the argument of an activation."""

from collections.abc import Callable, Mapping

import numpy as np

from oracle.location.equations import sigmoid
from reference.contract import Array

Function = Callable[[Array, float], Array]


def _rounded(bits: int) -> Function:
    """Round to float32 with `bits` fewer bits in the significand, ties to even."""

    def function(v: Array, number: float) -> Array:
        raw = np.ascontiguousarray(v, np.float32).view(np.uint32).astype(np.uint64)
        unit = 1 << bits
        even = (raw >> np.uint64(bits)) & np.uint64(1)
        raw = (raw + np.uint64(unit // 2 - 1) + even) & ~np.uint64(unit - 1)
        return raw.astype(np.uint32).view(np.float32).astype(np.float64)

    return function


def _cut(bits: int) -> Function:
    def function(v: Array, number: float) -> Array:
        raw = np.ascontiguousarray(v, np.float32).view(np.uint32) & np.uint32(0xFFFFFFFF << bits & 0xFFFFFFFF)
        return raw.view(np.float32).astype(np.float64)

    return function


ROUNDINGS: Mapping[str, Function] = {
    "float32": lambda v, _: v.astype(np.float32).astype(np.float64),
    "float16": lambda v, _: v.astype(np.float16).astype(np.float64),
    "bfloat16": _rounded(16),
    "bfloat16, cut": _cut(16),
}
PLAIN: Mapping[str, tuple[Function, float]] = {
    "zero": (lambda v, _: np.zeros_like(v), 0.3),
    "one": (lambda v, _: np.ones_like(v), 0.5),
    "one minus": (lambda v, _: 1 - v, 0.8),
    "tanh": (lambda v, _: np.tanh(v), 0.8),
    "sigmoid": (lambda v, _: sigmoid(v), 0.8),
    "relu": (lambda v, _: np.maximum(v, 0), 0.9),
} | {name: (function, 0.9) for name, function in ROUNDINGS.items()}
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
