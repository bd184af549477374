"""Functions of the values of a node, or of the argument of its activation, that may stand in its place."""

from collections.abc import Callable, Mapping

import numpy as np

from oracle.location.equations import sigmoid, softmax
from reference.contract import Array

Function = Callable[[Array, float], Array]


def _rounded(bits: int) -> Function:
    """To so many bits of a float32, to the nearest."""

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


def _eighths(v: Array, number: float) -> Array:
    """In steps of the largest of the whole array / 127; of every step where it has some."""
    axes = tuple(range(min(v.ndim, 2)))
    unit = np.abs(v).max(axis=axes, keepdims=True, initial=0) / number
    return np.asarray(np.where(unit == 0, v, np.round(v / np.where(unit == 0, 1, unit)) * unit))


def _of_all(v: Array, number: float) -> Array:
    unit = float(np.abs(v).max(initial=0)) / number
    return np.asarray(np.round(v / unit) * unit) if unit else v


def _rational(z: Array, number: float) -> Array:
    return np.asarray(np.clip(z * (27 + z * z) / (27 + 9 * z * z), -1, 1))


ROUNDINGS: Mapping[str, Function] = {
    "float32": lambda v, _: v.astype(np.float32).astype(np.float64),
    "float16": lambda v, _: v.astype(np.float16).astype(np.float64),
    "bfloat16": _rounded(16),
    "bfloat16, cut": _cut(16),
    "TF32, cut": _cut(13),
}
PLAIN: Mapping[str, tuple[Function, float]] = {
    "zero": (lambda v, _: np.zeros_like(v), 0.3),
    "one": (lambda v, _: np.ones_like(v), 0.5),
    "NaN": (lambda v, _: v + np.nan, 1.0),
    "negative": (lambda v, _: -v, 0.8),
    "one minus": (lambda v, _: 1 - v, 0.8),
    "tanh": (lambda v, _: np.tanh(v), 0.8),
    "sigmoid": (lambda v, _: sigmoid(v), 0.8),
    "relu": (lambda v, _: np.maximum(v, 0), 0.9),
    "exp": (lambda v, _: np.exp(v), 1.0),
    "slope of sigmoid": (lambda v, _: v * (1 - v), 1.1),
    "slope of tanh": (lambda v, _: 1 - v * v, 1.1),
    "minus one": (lambda v, _: v - 1, 1.0),
    "not zero": (lambda v, _: (v != 0).astype(float), 1.3),
} | {name: (function, 0.9) for name, function in ROUNDINGS.items()}
"""Functions without a number, each with how far-fetched it is."""

OF_ARGUMENT: Mapping[str, tuple[Function, float]] = {
    "z": (lambda z, _: z, 0.7),
    "tanh": (lambda z, _: np.tanh(z), 0.7),
    "sigmoid": (lambda z, _: sigmoid(z), 0.7),
    "relu": (lambda z, _: np.maximum(z, 0), 0.8),
    "1 / (1 + exp(z))": (lambda z, _: 1 / (1 + np.exp(z)), 0.8),
    "exp(z) / (1 + exp(-z))": (lambda z, _: np.exp(z) / (1 + np.exp(-z)), 1.0),
    "exp(z)": (lambda z, _: np.exp(z), 0.9),
    "sigmoid(z), but 1 / (1 + exp(z)) where z < 0": (lambda z, _: sigmoid(np.abs(z)), 1.2),
    "sigmoid(z), but exp(z) where z < 0": (lambda z, _: np.where(z < 0, np.exp(z), sigmoid(z)), 1.2),
    "sigmoid(z), but exp(z) / (1 + exp(-z)) where z < 0": (
        lambda z, _: np.where(z < 0, np.exp(z) / (1 + np.exp(-z)), sigmoid(z)),
        1.2,
    ),
    "sigmoid(2 z)": (lambda z, _: sigmoid(2 * z), 1.0),
    "sigmoid(z / 2)": (lambda z, _: sigmoid(z / 2), 1.0),
    "2 sigmoid(z) - 1": (lambda z, _: 2 * sigmoid(z) - 1, 0.9),
    "(tanh(z) + 1) / 2": (lambda z, _: (np.tanh(z) + 1) / 2, 0.9),
    "tanh(z / 2)": (lambda z, _: np.tanh(z / 2), 1.0),
    "tanh(2 z)": (lambda z, _: np.tanh(2 * z), 1.0),
    "0.2 z + 0.5 in [0, 1]": (lambda z, _: np.clip(0.2 * z + 0.5, 0, 1), 1.0),
    "z / 6 + 0.5 in [0, 1]": (lambda z, _: np.clip(z / 6 + 0.5, 0, 1), 1.0),
    "0.25 z + 0.5 in [0, 1]": (lambda z, _: np.clip(z / 4 + 0.5, 0, 1), 1.0),
    "z in [-1, 1]": (lambda z, _: np.clip(z, -1, 1), 1.0),
    "z / (1 + |z|)": (lambda z, _: z / (1 + np.abs(z)), 1.0),
    "0.5 + 0.5 z / (1 + |z|)": (lambda z, _: 0.5 + 0.5 * z / (1 + np.abs(z)), 1.0),
    "z (27 + z^2) / (27 + 9 z^2) in [-1, 1]": (_rational, 1.0),
    "z (27 + z^2) / (27 + 9 z^2)": (lambda z, _: z * (27 + z * z) / (27 + 9 * z * z), 1.1),
    "1.7159 tanh(2 z / 3)": (lambda z, _: 1.7159 * np.tanh(2 * z / 3), 1.0),
}
"""What may be in the place of an activation, of its argument."""


def _over(axes: tuple[int, ...], shift: tuple[int, ...] | None = None) -> Function:
    """exp(logit - the largest over `shift`) over the sum of these over some axes."""

    def function(z: Array, number: float) -> Array:
        e = np.exp(z - z.max(axis=shift or axes, keepdims=True)) if shift != () else np.exp(z)
        return np.asarray(e / e.sum(axis=axes, keepdims=True))

    return function


OF_LOGITS: Mapping[str, tuple[Function, float]] = {
    "the logits": (lambda z, _: z, 0.7),
    "exp(logits)": (lambda z, _: np.exp(z), 0.8),
    "exp(logits - the largest)": (lambda z, _: np.exp(z - z.max(axis=0, keepdims=True)), 0.8),
    "log of the softmax": (lambda z, _: np.log(softmax(z)), 0.8),
    "sigmoid": (lambda z, _: sigmoid(z), 0.8),
    "softmax over the samples": (_over((1,)), 0.9),
    "softmax over classes and samples": (_over((0, 1)), 0.9),
    "softmax, shifted by the largest of the samples too, over the samples": (_over((1,), (0, 1)), 1.2),
    "exp(logits - the largest) over the sum over samples": (_over((1,), (0,)), 0.9),
    "softmax over the steps": (_over((2,)), 0.9),
    "softmax without a shift": (_over((0,), ()), 1.0),
    "softmax shifted by the largest of all": (_over((0,), (0, 1)), 1.0),
    "one-hot": (lambda z, _: (z == z.max(axis=0, keepdims=True)).astype(float), 1.0),
}
"""What may be in the place of a softmax."""

NUMBERED: Mapping[str, Function] = {
    "constant": lambda v, k: np.full_like(v, k),
    "clipped": lambda v, k: np.clip(v, -k, k),
    "at least": lambda v, k: np.maximum(v, k),
    "at most": lambda v, k: np.minimum(v, k),
    "between": lambda v, k: np.clip(v, k, 1 - k),
    "times": lambda v, k: v * k,
    "plus": lambda v, k: v + k,
    "multiples": lambda v, k: np.round(v / k) * k,
    "multiples, down": lambda v, k: np.floor(v / k) * k,
    "of the largest": _eighths,
    "of the largest of all steps": _of_all,
    "0 below": lambda v, k: np.where(np.abs(v) < k, 0, v),
    "softmax, sum plus": lambda z, k: np.exp(z - z.max(axis=0)) / (np.exp(z - z.max(axis=0)).sum(axis=0) + k),
}
"""Functions with a number."""


def function_named(name: str) -> Function:
    """A function of any of the tables, by the name that a form has for it."""
    for table in (PLAIN, OF_ARGUMENT, OF_LOGITS):
        if name in table:
            return table[name][0]
    return NUMBERED[name]
