"""Other functions of right values, and of arguments in the place of activations, in words."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from reference.contract import Array

FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "the right value with its sign changed": np.negative,
    "the tanh of the right value": np.tanh,
    "the sigmoid of the right value": lambda v: 1 / (1 + np.exp(-v)),
    "the right value without its sign": np.abs,
    "the right value, or 0 where that is negative": lambda v: np.maximum(v, 0),
    "the square of the right value": np.square,
    "v (1 - v), v the right value": lambda v: v * (1 - v),
    "1 - v², v the right value": lambda v: 1 - v * v,
    "1 - the right value": lambda v: 1 - v,
    "the right value truncated to a whole number": np.trunc,
    "the right value rounded down to a whole number": np.floor,
    "the right value rounded up to a whole number": np.ceil,
    "the right value rounded to a whole number": np.rint,
    "the right value - the largest of its sample, where that is above 0": lambda v: (
        v - np.maximum(v.max(axis=0, keepdims=True), 0)
    ),
    "the right value - the largest of its sample": lambda v: v - v.max(axis=0, keepdims=True),
    "the right value - the largest of all samples": lambda v: v - v.max(axis=(0, 1), keepdims=True),
    "the right value - that of the step before": lambda v: np.diff(v, axis=2, prepend=np.nan),
    "the mean of the right ones up to this step": lambda v: (
        np.cumsum(v, axis=2) / np.arange(1, 1 + v.shape[2])
    ),
    "the sum of the right ones up to this step": lambda v: np.cumsum(v, axis=2),
}

ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "tanh(z)": np.tanh,
    "sigmoid(z)": lambda z: 1 / (1 + np.exp(-z)),
    "z": lambda z: z,
    "max(z, 0)": lambda z: np.maximum(z, 0),
    "z limited to [-1, 1]": lambda z: np.clip(z, -1, 1),
    "0.2 z + 0.5 limited to [0, 1]": lambda z: np.clip(0.2 * z + 0.5, 0, 1),
    "z / 4 + 0.5 limited to [0, 1]": lambda z: np.clip(z / 4 + 0.5, 0, 1),
    "z / 6 + 0.5 limited to [0, 1]": lambda z: np.clip(z / 6 + 0.5, 0, 1),
    "z / (1 + |z|)": lambda z: z / (1 + np.abs(z)),
    "0.5 + 0.5 z / (1 + |z|)": lambda z: 0.5 + 0.5 * z / (1 + np.abs(z)),
    "(tanh(z) + 1) / 2": lambda z: (np.tanh(z) + 1) / 2,
    "2 sigmoid(z) - 1": lambda z: np.tanh(z / 2),
    "1.7159 tanh(2 z / 3)": lambda z: 1.7159 * np.tanh(2 * z / 3),
    "exp(z)": np.exp,
    "exp(-z)": lambda z: np.exp(-z),
    "exp(z) / (1 + exp(-z))": lambda z: np.exp(z) / (1 + np.exp(-z)),
    "exp(-z) / (1 + exp(z))": lambda z: np.exp(-z) / (1 + np.exp(z)),
    "1 / (1 + exp(z))": lambda z: 1 / (1 + np.exp(z)),
    "1 / (1 - exp(-z))": lambda z: 1 / (1 - np.exp(-z)),
    "1 - exp(-z)": lambda z: 1 - np.exp(-z),
    "(exp(z) - exp(-z)) / 2": np.sinh,
    "log(1 + exp(z))": lambda z: np.logaddexp(0, z),
    "arctan(z)": np.arctan,
}

RECTIFIERS: Mapping[str, Callable[[Array], Array]] = {
    "z": lambda z: z,
    "|z|": np.abs,
    "exp(z) - 1": np.expm1,
    "log(1 + exp(z))": lambda z: np.logaddexp(0, z),
    "z sigmoid(z)": lambda z: z / (1 + np.exp(-z)),
    "tanh(z)": np.tanh,
    **{f"{slope:g} z": partial(np.multiply, slope) for slope in (0.01, 0.05, 0.1, 0.2, 0.25, 0.3)},
}
