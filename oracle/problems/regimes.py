"""The regimes: the kinds of numbers in the arrays of a problem.

In most regimes, weights are divided by the square root of their fan-in.

- `ternary`: entries in {-1, 0, 1}, biases and states in {-1, 1}; small enough to check by hand;
- `unit`: standard normal numbers, so that weights are as in trained networks;
- `wild`: weights times 3 to 30, so that the network saturates or is chaotic;
- `tiny`: every sample and every unit of an array is scaled down to some magnitude that the dtype has;
- `counting`: gates that stay open, so that memory states grow by up to 1 in each step, from up to 200; the
  inputs of some samples are up to a thousand times larger, and those of others are whole numbers or -0.0;
- `huge`: pre-activations and logits up to ±1e4;
- `nonfinite`: as `unit`, but one entry of an input, a state or an incoming gradient is NaN or infinite;
- `subnormal`: inputs, states, biases of the cell, and all predictions but one are below the smallest normal
  number; the weights are as in `unit`, but those of the candidate are 0.

In `wild` and `counting`, initial states are sometimes all 0; in `wild`, biases, too.
In the first five regimes, `ordinary` halves rows of weights and samples of inputs until all
pre-activations are below 300 and all logits below 30.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from reference.contract import Array

Regime = Literal["ternary", "unit", "wild", "tiny", "counting", "huge", "nonfinite", "subnormal"]

ORDINARY: tuple[Regime, ...] = ("ternary", "unit", "wild", "tiny", "counting")
"""The regimes with ordinary numbers, for which simple code is right (see `ordinary`)."""

Draw = Callable[[str, tuple[int, ...]], Array]


def _fan_in(name: str, shape: tuple[int, ...]) -> int:
    return max(shape[1], 1) if name.startswith("W") else 1


def _normal(rng: np.random.Generator, gain: float = 1.0) -> Draw:
    def draw(name: str, shape: tuple[int, ...]) -> Array:
        scale = gain / math.sqrt(_fan_in(name, shape)) if name.startswith("W") else 1.0
        return scale * rng.standard_normal(shape)

    return draw


ZERO_PROBABILITY = 0.15
"""In `wild`, the probability that a bias is all 0, and that the states of about half of the samples are 0."""

ZERO_STATES_PROBABILITY = 0.3
"""In `wild` and `counting`, the probability that an initial state is all 0, as most programs start."""

LARGE_PROBABILITY = 0.3
"""The probability that the inputs of a sample are multiplied by a factor up to 1000."""

WHOLE_PROBABILITY = 0.3
"""The probability that the inputs of a sample are rounded. Small negative inputs then become -0.0."""


def _wild(rng: np.random.Generator, _: Any) -> Draw:
    wild, (all_zero, some_zero) = _normal(rng, gain=3 * 10 ** rng.uniform(0, 1)), rng.spawn(2)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        values = wild(name, shape)
        is_state = name in ("a0", "c0")
        probability = ZERO_STATES_PROBABILITY if is_state else ZERO_PROBABILITY
        is_zero = (is_state or name[0] == "b") and all_zero.random() < probability
        if is_state and some_zero.random() < ZERO_PROBABILITY:
            values *= some_zero.random(_factors_shape(name, shape)) < 0.5
        return np.zeros(shape) if is_zero else values

    return draw


def _ternary(rng: np.random.Generator, _: Any) -> Draw:
    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name.startswith("W") or name == "x":
            return rng.integers(-1, 2, shape)
        return rng.choice([-1, 1], shape)

    return draw


def _tiny(rng: np.random.Generator, limits: Any) -> Draw:
    unit = _normal(rng)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        values = unit(name, shape)  # drawn before the factors, so that a seed keeps its numbers
        # The cube makes small exponents frequent: in float64, a third of the factors are above 1e-16.
        values *= float(limits.tiny) ** rng.uniform(0, 1, _factors_shape(name, shape)) ** 3
        return np.asarray(np.copysign(np.maximum(np.abs(values), float(limits.smallest_subnormal)), values))

    return draw


def _counting(rng: np.random.Generator, _: Any) -> Draw:
    unit, (large, all_zero) = _normal(rng), rng.spawn(2)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name == "x":  # as measured data that are not scaled; the first of several samples stays small
            one_each = _factors_shape(name, shape)
            is_large = (large.random(one_each) < LARGE_PROBABILITY) & (
                (np.arange(shape[1]) > 0) | (shape[1] == 1)
            )[:, None]
            values = unit(name, shape) * np.where(is_large, 10 ** large.uniform(0, 3, one_each), 1)
            return np.where(large.random(one_each) < WHOLE_PROBABILITY, np.rint(values), values)
        if name in ("bf", "bi"):
            return 8 + unit(name, shape)
        if name == "bc":
            return 4 * unit(name, shape)
        values = unit(name, shape)
        if name == "c0":  # a quarter of the memory states are 0, as at the beginning of a sequence
            values *= 10 ** rng.uniform(0, 2, _factors_shape(name, shape))
            values *= rng.random(shape) < 0.75
        if name in ("a0", "c0") and all_zero.random() < ZERO_STATES_PROBABILITY:
            return np.zeros(shape)
        return values

    return draw


def _factors_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an array with one factor for each sample, or for each unit of a weight or bias."""
    if name[0] in "Wb":
        return (shape[0], *(1 for _ in shape[1:]))
    samples = 1 if name == "x" else len(shape) - 1
    return tuple(n if axis == samples else 1 for axis, n in enumerate(shape))


def _subnormal(rng: np.random.Generator, limits: Any) -> Draw:
    unit, tiny = _normal(rng), float(limits.tiny)
    logits = np.log(float(limits.smallest_subnormal)), np.log(tiny)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name == "by":
            return np.where(rng.permutation(shape[0])[:, None] == 0, 1, 1 + rng.uniform(*logits, shape))
        if name in ("Wc", "bc"):  # the rounding error of tanh would hide a subnormal memory state
            return np.zeros(shape)
        return unit(name, shape) if name.startswith("W") else tiny * rng.uniform(-1, 1, shape)

    return draw


def _huge(rng: np.random.Generator, _: Any) -> Draw:
    size = 10 ** rng.uniform(2, 4)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        # The bias is at most half of `size`, and so is the sum of all products, so that no partial sum
        # exceeds `size`. An RNN has two weights, so each of them gets half of the products' share.
        terms = (4 if name in ("Waa", "Wax") else 2) * _fan_in(name, shape)
        scale = 1.0 if name in ("x", "a0") else size / terms
        return scale * rng.uniform(-1, 1, shape)

    return draw


REGIMES: Mapping[str, Callable[[np.random.Generator, Any], Draw]] = {
    "ternary": _ternary,
    "unit": lambda rng, _: _normal(rng),
    "wild": _wild,
    "tiny": _tiny,
    "counting": _counting,
    "huge": _huge,
    "nonfinite": lambda rng, _: _normal(rng),
    "subnormal": _subnormal,
}
