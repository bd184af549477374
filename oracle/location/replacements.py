"""The functions and index maps in replacements, and the result of an equation after a replacement."""

from collections.abc import Callable, Mapping

import numpy as np

from oracle.faults.catalogue.arrays import ROUNDING
from oracle.location.facts import Replacement
from oracle.location.observations import Observation
from reference.activations import sigmoid
from reference.contract import Array

Function = Callable[[Array, float], Array]


def _cut_to_bfloat16(v: Array) -> Array:
    """The numbers cut to the first eight significant bits."""
    significand, exponent = np.frexp(v)
    return np.asarray(np.ldexp(np.trunc(256 * significand) / 256, exponent))


PLAIN_FUNCTIONS: Mapping[str, tuple[Function, float]] = {
    "zero": (lambda v, _: np.zeros_like(v), 0.3),
    "one": (lambda v, _: np.ones_like(v), 0.5),
    "integer": (lambda v, _: np.round(v), 0.65),
    "one minus": (lambda v, _: 1 - v, 0.8),
    "tanh": (lambda v, _: np.tanh(v), 0.8),
    "sigmoid": (lambda v, _: sigmoid(v), 0.8),
    "relu": (lambda v, _: np.maximum(v, 0), 0.9),
    "bfloat16, cut": (lambda v, _: _cut_to_bfloat16(v), 0.9),
} | {name: (lambda v, _, rounded=rounded: rounded(v), 0.9) for name, rounded in ROUNDING.items()}
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


NUMBERED_FUNCTIONS: Mapping[str, Function] = {
    "constant": lambda v, k: np.full_like(v, k),
    "clipped": lambda v, k: np.clip(v, -k, k),
    "between": lambda v, k: np.clip(v, k, 1 - k),
    "times": lambda v, k: v * k,
    "plus": lambda v, k: v + k,
    "multiples": lambda v, k: np.round(v / k) * k,
}
"""Functions of the value of a node and a parameter."""

FUNCTIONS: Mapping[str, Function] = {
    **{name: function for name, (function, _) in {**PLAIN_FUNCTIONS, **ARGUMENT_FUNCTIONS}.items()},
    **NUMBERED_FUNCTIONS,
}

IndexMap = Callable[[Array, int], Array | None]
"""Moves the entries of an array `(n, m, T)` or `(rows, columns)`, by a parameter; `None` if not possible."""


def _map_along(axis: int, index: Callable[[Array, int, int], Array]) -> IndexMap:
    """A map that takes the entries `index(arange(n), by, n)` along an axis; a negative index gives 0."""

    def mapped(v: Array, by: int) -> Array | None:
        if v.ndim != 3 or not v.shape[axis]:
            return None
        indices = index(np.arange(v.shape[axis]), by, v.shape[axis])
        taken = np.moveaxis(np.take(v, np.maximum(indices, 0), axis=axis), axis, -1)
        return np.moveaxis(np.where(indices < 0, 0, taken), -1, axis)

    return mapped


def _map_by_reshape(written: tuple[int, ...], read: tuple[int, ...]) -> IndexMap:
    """A map that writes the entries in one order of the axes and reads them in another order."""

    def mapped(v: Array, by: int) -> Array | None:
        if v.ndim != 3:
            return None
        return np.asarray(
            v.transpose(written).reshape([v.shape[i] for i in read]).transpose(np.argsort(read))
        )

    return mapped


def _map_by_exchange(one: int, other: int) -> IndexMap:
    def mapped(v: Array, by: int) -> Array | None:
        if v.ndim <= max(one, other) or v.shape[one] != v.shape[other]:
            return None
        return np.swapaxes(v, one, other)

    return mapped


def _without_last_rows(v: Array, by: int) -> Array | None:
    """The array with 0 in the rows after the last whole block of `by` rows."""
    rows = np.arange(len(v)).reshape(-1, *[1] * (v.ndim - 1))
    return np.where(rows < len(v) - len(v) % by, v, 0)


def _as_row(v: Array, by: int) -> Array | None:
    return v.reshape(1, -1, 1) if v.ndim == 3 and v.shape[1:] == (1, 1) else None


BLOCK_SIZES = (4, 8, 16, 2, 3, 10, 5, 32, 64)

INDEX_MAPS: Mapping[str, tuple[IndexMap, tuple[int, ...], float]] = {
    "step back": (_map_along(2, lambda k, by, n: k - by), (1, 2, 3, 4, 8), 1.0),
    "step back, at least the first": (_map_along(2, lambda k, by, n: np.maximum(k - by, 0)), (1, 2), 1.2),
    "first step": (_map_along(2, lambda k, by, n: 0 * k), (0,), 1.0),
    "last step": (_map_along(2, lambda k, by, n: 0 * k + n - 1), (0,), 1.0),
    "first sample": (_map_along(1, lambda k, by, n: 0 * k), (0,), 1.0),
    "sample of the first block": (_map_along(1, lambda k, by, n: k % by), BLOCK_SIZES, 1.4),
    "unit back": (_map_along(0, lambda k, by, n: (k - by) % n), (1,), 1.3),
    "transposed": (_map_by_exchange(0, 1), (0,), 1.0),
    "steps and units exchanged": (_map_by_exchange(0, 2), (0,), 1.2),
    "steps and samples exchanged": (_map_by_exchange(1, 2), (0,), 1.2),
    "(samples, steps) as (steps, samples)": (_map_by_reshape((0, 1, 2), (0, 2, 1)), (0,), 1.2),
    "(steps, samples) as (samples, steps)": (_map_by_reshape((0, 2, 1), (0, 1, 2)), (0,), 1.2),
    "along the samples": (_as_row, (0,), 1.0),
    "without the rows that blocks leave": (_without_last_rows, BLOCK_SIZES, 1.2),
}
"""The maps by name, each with the values of its parameter to try, and with its cost."""


def _source_value(name: str, observation: Observation, target: str) -> Array:
    """The value of the array `name`; its right value, if `name` and `target` are both operands of a step."""
    if name == "shown":
        return observation.checks[target].shown
    check = observation.checks.get(name)
    operands = ("xt", "a_prev", "c_prev")
    return (
        check.right if check and target in operands and name in operands else observation.value(name, target)
    )


def _replacing_value(replacement: Replacement, observation: Observation, target: str) -> Array | None:
    """The value that replaces the node; `None` if the index map does not apply."""
    node = observation.value(replacement.node, target)
    value = _source_value(replacement.source, observation, target) if replacement.source else node
    if replacement.map:
        mapped = INDEX_MAPS[replacement.map][0](value, replacement.by)
        if mapped is None:
            return None
        value = mapped
    if replacement.function:
        value = FUNCTIONS[replacement.function](value, replacement.number)
    if replacement.other:
        value = value + replacement.share * observation.value(replacement.other, target)
    return value


def result_with(replacement: Replacement, observation: Observation, target: str) -> Array | None:
    """Compute `target (n, m, T_x)` after the replacement; `None` if the replacement does not apply."""
    try:
        with np.errstate(all="ignore"):
            value = _replacing_value(replacement, observation, target)
            if value is None:
                return None
            result = observation.with_node(target, replacement.node, value)
        return np.broadcast_to(result, observation.checks[target].shown.shape) if result.ndim == 3 else None
    except (KeyError, ValueError):  # a node has no value, or the shapes do not fit
        return None
