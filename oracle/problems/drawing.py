"""Draws the arrays of a problem from its seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from oracle.problems.inputs import Inputs, LayerInputs
from oracle.problems.ordinary import ordinary, ordinary_layers
from oracle.problems.regimes import ORDINARY, REGIMES, Regime
from reference.contract import CONTRACTS, NETWORKS, Array, Kind, Shape, direction_shapes, extents

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
