"""The regimes: the kinds of numbers in the arrays of a problem.

Weights are divided by the square root of their fan-in, if nothing else is stated.

- `ternary`: entries in {-1, 0, 1}, biases and states in {-1, 1}; small enough to check by hand;
- `unit`: standard normal, as in trained networks;
- `wild`: weights times 3 to 30, saturating or chaotic;
- `tiny`: every sample and every unit of an array scaled down, to any magnitude of the dtype;
- `counting`: gates that stay open, so that memory states, at first up to 200, grow by up to 1 in each step;
  the inputs of some samples are up to a thousand times larger;
- `huge`: pre-activations and logits up to ±1e4;
- `nonfinite`: `unit`, with one entry of one sample's input or state NaN or infinite;
- `subnormal`: `unit` weights, but none of the candidate; inputs, states, biases, and all predictions but
  one are below the smallest normal number.

In the first five regimes, `oracle.ordinary` halves rows of weights and samples of inputs until all
pre-activations are below 300 and all logits below 30.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from reference.contract import Array

Regime = Literal["ternary", "unit", "wild", "tiny", "counting", "huge", "nonfinite", "subnormal"]

ORDINARY: tuple[Regime, ...] = ("ternary", "unit", "wild", "tiny", "counting")
"""The regimes without large numbers, in which a correct program needs no care (see `oracle.ordinary`)."""

Draw = Callable[[str, tuple[int, ...]], Array]


def _fan_in(name: str, shape: tuple[int, ...]) -> int:
    return max(shape[1], 1) if name.startswith("W") else 1


def _normal(rng: np.random.Generator, gain: float = 1.0) -> Draw:
    def draw(name: str, shape: tuple[int, ...]) -> Array:
        scale = gain / math.sqrt(_fan_in(name, shape)) if name.startswith("W") else 1.0
        return scale * rng.standard_normal(shape)

    return draw


UNSET = 0.15
"""The probability that a bias or a state is all 0, and that the states of about half of the samples are 0."""


RAW = 0.3
"""The probability that the inputs of a sample are multiplied by a factor up to 1000."""


def _wild(rng: np.random.Generator, _: Any) -> Draw:
    large, (unset, fresh) = _normal(rng, gain=3 * 10 ** rng.uniform(0, 1)), rng.spawn(2)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        values = large(name, shape)
        is_unset = name[0] in "abc" and unset.random() < UNSET
        if name in ("a0", "c0") and fresh.random() < UNSET:
            values *= fresh.random(_one_for_each(name, shape)) < 0.5
        return np.zeros(shape) if is_unset else values

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
        own = _one_for_each(name, shape)
        # The cube puts a third of the magnitudes into the sixteen decades below 1.
        drawn = unit(name, shape) * float(limits.tiny) ** rng.uniform(0, 1, own) ** 3
        return np.asarray(np.copysign(np.maximum(np.abs(drawn), float(limits.smallest_subnormal)), drawn))

    return draw


def _counting(rng: np.random.Generator, _: Any) -> Draw:
    unit, (raw,) = _normal(rng), rng.spawn(1)

    def draw(name: str, shape: tuple[int, ...]) -> Array:
        if name == "x":  # like unscaled measured data; the first of several samples stays small
            own = _one_for_each(name, shape)
            is_raw = (raw.random(own) < RAW) & ((np.arange(own[1]) > 0) | (own[1] == 1))[:, None]
            return unit(name, shape) * np.where(is_raw, 10 ** raw.uniform(0, 3, own), 1)
        if name in ("bf", "bi"):
            return 8 + unit(name, shape)
        if name == "bc":
            return 4 * unit(name, shape)
        if name == "c0":  # a quarter of the memory states are 0, as at the beginning of a sequence
            large = unit(name, shape) * 10 ** rng.uniform(0, 2, _one_for_each(name, shape))
            return large * (rng.random(shape) < 0.75)
        return unit(name, shape)

    return draw


def _one_for_each(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of an array with one number for each sample, or for each unit of a weight or bias."""
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
        # The bias has at most half of `size`, and all products together the other half, so that no partial
        # sum exceeds `size`. The products of an RNN are those of both weights.
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
