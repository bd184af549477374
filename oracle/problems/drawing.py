"""Draws the arrays of a problem from its seed; its regime is the kind of numbers in them.

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

The first five regimes are ordinary: rows of weights and samples of inputs are halved until all
pre-activations are below 300 and all logits below 30 in every step. For ordinary numbers, simple code is
right in float64: for example a tanh by exp(2 z), which overflows for z beyond 354, or a softmax that does not
shift its logits. Only robust programs are right for larger numbers.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from oracle.problems.inputs import Inputs, LayerInputs
from reference.contract import CONTRACTS, NETWORKS, Array, Kind, Network, Shape, direction_shapes, extents

Regime = Literal["ternary", "unit", "wild", "tiny", "counting", "huge", "nonfinite", "subnormal"]

ORDINARY: tuple[Regime, ...] = ("ternary", "unit", "wild", "tiny", "counting")
"""The regimes with ordinary numbers, for which simple code is right (see `ordinary`)."""

Parameters = Mapping[str, Array]
Lengths = Literal["absent", "equal", "random", "with 1", "with T_x"]

PADDED_PROBABILITY = 0.3
"""The probability that an incoming gradient is 0 in the last steps of samples, in `wild` and `counting`."""


@dataclass(frozen=True)
class Drawing:
    """Draws the arrays of a problem from its sizes, regime, seed and dtype."""

    kind: Kind
    sizes: Mapping[str, int]
    regime: Regime
    seed: int
    dtype: str

    def inputs(self) -> Inputs:
        """The inputs of one of the four functions."""
        rng = np.random.default_rng(self.seed)
        network = NETWORKS[self.kind]
        memory: Shape = ("n_a" if network.has_memory else 0, "m")
        shapes = {"x": ("n_x", "m", "T_x"), "a0": ("n_a", "m"), "c0": memory, **network.parameters}
        arrays = self._arrays(REGIMES[self.regime](rng, np.finfo(self.dtype)), shapes)
        x, a0, c0 = (arrays.pop(name) for name in ("x", "a0", "c0"))
        inputs = Inputs(self.kind, x, a0, c0, _shuffled(arrays, rng), np.dtype(self.dtype))
        return ordinary(inputs) if self.regime in ORDINARY else inputs

    def layer_inputs(
        self, activation: str, has_states: bool, lengths: Lengths, trained: Sequence[Parameters] = ()
    ) -> LayerInputs:
        """The inputs of layers; the initial states are zeros unless `has_states`.

        If there are `trained` parameters, no parameters are drawn.
        """
        rng = np.random.default_rng(self.seed)
        draw = REGIMES[self.regime](rng, np.finfo(self.dtype))
        memory: Shape = ("L D", "n_a" if NETWORKS[self.kind].has_memory else 0, "m")
        arrays = self._arrays(draw, {**CONTRACTS[f"{self.kind}_layer"].arguments, "c0": memory})
        D, is_projected = self.sizes["D"], "n_p" in self.sizes
        parameters = [{name: array.astype(self.dtype) for name, array in p.items()} for p in trained] or [
            self._arrays(draw, direction_shapes(self.kind, k // D, is_projected))
            for k in range(self.sizes["L"] * D)
        ]
        if not has_states:
            arrays.update({name: np.zeros_like(arrays[name]) for name in ("a0", "c0")})
        x, a0, c0 = (arrays[name] for name in ("x", "a0", "c0"))
        shuffled = [_shuffled(p, rng) for p in parameters]
        inputs = LayerInputs(self.kind, x, a0, c0, shuffled, np.dtype(self.dtype), D, activation=activation)
        inputs = replace(inputs, lengths=self.lengths(lengths))
        return ordinary_layers(inputs, trained=bool(trained)) if self.regime in ORDINARY else inputs

    def lengths(self, kind: Lengths) -> Array | None:
        """The lengths of the samples `(m,)`, from 1 to T_x; `None` for the kind `"absent"`.

        If T_x > 1, equal lengths are shorter than T_x. So is the first of random lengths; if also m > 1, at
        least one other length is longer than the first. With `"with 1"` or `"with T_x"`,
        one length is 1 or T_x.
        """
        if kind == "absent":
            return None
        m, T_x = self.sizes["m"], self.sizes["T_x"]
        rng = np.random.default_rng([self.seed, 2])  # a stream of its own
        lengths = rng.integers(1, T_x + 1, m)
        if not m:
            return lengths
        sample = rng.integers(m)
        shorter = rng.integers(1, max(T_x, 2))
        if kind == "equal":
            lengths[:] = shorter
        elif kind == "random":
            lengths[0] = shorter
            if (lengths[1:] <= shorter).all():
                lengths[1:][-1:] = T_x
        else:
            lengths[sample] = 1 if kind == "with 1" else T_x
        return lengths

    def gradient(self, shape: tuple[int, ...], number: int) -> Array:
        """An incoming gradient: normally distributed numbers, or -1, 0 and 1 in the regime `ternary`.

        In `wild` and `counting`, each sample is multiplied by a factor from 1 to 1000, to reveal a program
        that clips gradients. There, it is also 0 in some problems from some step of each sample on, as the
        gradient of a loss that leaves out padding. Gradient number 0 has the samples on its second axis and
        the steps on its last one. The others have the samples on the last axis.
        """
        rng, m = np.random.default_rng([self.seed, 4, number]), self.sizes["m"]
        if self.regime == "ternary":
            return rng.integers(-1, 2, shape).astype(self.dtype)
        has_factors = self.regime in ("wild", "counting")
        factors = 10 ** rng.uniform(0, 3, m) if has_factors else np.ones(m)
        drawn = rng.standard_normal(shape) * factors.reshape((1, m, 1) if number == 0 else (m,))
        if has_factors and number == 0 and rng.random() < PADDED_PROBABILITY:
            drawn *= np.arange(shape[2]) < rng.integers(1, max(shape[2], 1) + 1, (m, 1))
        return drawn.astype(self.dtype)

    @property
    def has_nonfinite_gradient(self) -> bool:
        """Whether the incoming gradient has the NaN or infinity of the regime `nonfinite`."""
        return self.regime == "nonfinite" and np.random.default_rng([self.seed, 3]).random() < 0.5

    def _arrays(self, draw: Any, shapes: Mapping[str, Shape]) -> dict[str, Array]:
        return {
            name: draw(name, extents(shape, self.sizes)).astype(self.dtype) for name, shape in shapes.items()
        }


def _shuffled(arrays: Parameters, rng: np.random.Generator) -> dict[str, Array]:
    """The parameters in a random order, since a program must read the parameters by name."""
    return {name: arrays[name] for name in rng.permutation([*arrays]).tolist()}


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

MOST_FROM_STATES = MOST_FROM_INPUTS = 149.0
"""The most that the states and the bias add to a pre-activation, and the most that the inputs add."""

MOST_LOGIT = 29.5

MOST_MEMORY = 200.0
"""The largest initial memory state; each step adds at most 1."""


def ordinary(inputs: Inputs) -> Inputs:
    """The inputs of one of the four functions, reduced as by `ordinary_layers`."""
    layer = ordinary_layers(inputs.as_layer())
    return replace(inputs, x=layer.x, c0=layer.c0[0], parameters=layer.parameters[0])


def ordinary_layers(inputs: LayerInputs, *, trained: bool = False) -> LayerInputs:
    """The inputs of layers, with rows of weights and samples of x and c0 halved until all are ordinary.

    Each state counts with its largest possible value, so that the numbers are ordinary in every step.
    `trained` weights are not changed. A relu network is not changed, either, since it has no exponentials.
    """
    if inputs.activation == "relu":
        return inputs
    n_h, D, network = inputs.a0.shape[1], inputs.directions, NETWORKS[inputs.kind]
    largest_x = np.abs(inputs.x).max(axis=2, initial=0)  # of each sample
    from_x = np.zeros(inputs.x.shape[1])
    parameters: list[Mapping[str, Array]] = []
    below = np.zeros(len(inputs.x))  # the largest states of the layer below; 0 for x, which is limited apart
    largest_states: list[Array] = []  # of each direction
    for place, p in enumerate(inputs.parameters):
        if place and place % D == 0:
            below = np.concatenate(largest_states[-D:])
        largest_states.append(np.abs(p["Wp"]).sum(axis=1) if "Wp" in p else np.ones(n_h))
        states = np.fmax(largest_states[-1], np.abs(inputs.a0[place]).max(axis=1, initial=0))
        parameters.append(p if trained else _halved_rows(network, p, states, below))
        if place < D:
            for *weights, _ in network.affine_maps:
                W = np.concatenate([parameters[-1][name] for name in weights], axis=1)
                from_x = np.fmax(from_x, (np.abs(W[:, n_h:]) @ largest_x).max(axis=0, initial=0))
    memory = np.abs(inputs.c0).max(axis=(0, 1), initial=0)
    if max(from_x.max(initial=0) / MOST_FROM_INPUTS, memory.max(initial=0) / MOST_MEMORY) <= 1:
        return replace(inputs, parameters=parameters)
    return replace(
        inputs,
        x=inputs.x * _power_of_two(from_x, MOST_FROM_INPUTS)[:, None].astype(inputs.x.dtype),
        c0=inputs.c0 * _power_of_two(memory, MOST_MEMORY).astype(inputs.c0.dtype),
        parameters=parameters,
    )


def _halved_rows(
    network: Network, p: Mapping[str, Array], states: Array, below: Array
) -> Mapping[str, Array]:
    """The parameters; each row is halved until it is ordinary for the largest `states` and inputs `below`."""
    halved, concat = dict(p), np.concatenate([states, below])
    for *weights, bias in (*network.affine_maps, *([network.head] if "by" in p else [])):
        W = np.concatenate([p[name] for name in weights], axis=1)
        size = np.abs(W) @ concat[: W.shape[1]] + np.abs(p[bias][:, 0])
        most = MOST_LOGIT if bias == "by" else MOST_FROM_STATES
        if size.max(initial=0) > most:
            factor = _power_of_two(size, most)[:, None]
            halved.update({name: p[name] * factor.astype(p[name].dtype) for name in (*weights, bias)})
    return halved


def _power_of_two(size: Array, most: float) -> Array:
    """The power of two, at most 1, that reduces each size to `most` or less. Products with it are exact."""
    return 2.0 ** -np.ceil(np.log2(np.fmax(size / most, 1)))
