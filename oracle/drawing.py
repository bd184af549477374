"""Draws the arrays of a problem from its seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from oracle.inputs import Inputs, LayerInputs
from oracle.ordinary import ordinary, ordinary_layers
from oracle.regimes import ORDINARY, REGIMES, Regime
from reference.contract import CONTRACTS, PARAMETERS, Array, Kind, Shape, direction_shapes, extents

Parameters = Mapping[str, Array]


@dataclass(frozen=True)
class Drawing:
    """Draws the arrays of a problem from its sizes, regime, seed and dtype."""

    kind: Kind
    sizes: Mapping[str, int]
    regime: Regime
    seed: int
    dtype: str

    def sequence(self) -> Inputs:
        """The inputs of one of the four functions."""
        rng = np.random.default_rng(self.seed)
        memory: Shape = ("n_a", "m") if self.kind == "lstm" else (0, "m")
        shapes = {"x": ("n_x", "m", "T_x"), "a0": ("n_a", "m"), "c0": memory, **PARAMETERS[self.kind]}
        arrays = self._arrays(REGIMES[self.regime](rng, np.finfo(self.dtype)), shapes)
        x, a0, c0 = (arrays.pop(name) for name in ("x", "a0", "c0"))
        inputs = Inputs(self.kind, x, a0, c0, _shuffled(arrays, rng), np.dtype(self.dtype))
        return ordinary(inputs) if self.regime in ORDINARY else inputs

    def layers(self, activation: str, is_zero: bool, trained: Sequence[Parameters] = ()) -> LayerInputs:
        """The inputs of layers without lengths.

        With `is_zero` the initial states are zeros. With `trained` parameters, no parameters are drawn.
        """
        rng = np.random.default_rng(self.seed)
        draw = REGIMES[self.regime](rng, np.finfo(self.dtype))
        memory: Shape = ("L D", "n_a", "m") if self.kind == "lstm" else ("L D", 0, "m")
        arrays = self._arrays(draw, {**CONTRACTS[f"{self.kind}_layer"].arguments, "c0": memory})
        D, is_projected = self.sizes["D"], "n_p" in self.sizes
        parameters = [{name: array.astype(self.dtype) for name, array in p.items()} for p in trained] or [
            self._arrays(draw, direction_shapes(self.kind, k // D, is_projected))
            for k in range(self.sizes["L"] * D)
        ]
        if is_zero:
            arrays.update({name: np.zeros_like(arrays[name]) for name in ("a0", "c0")})
        x, a0, c0 = (arrays[name] for name in ("x", "a0", "c0"))
        shuffled = [_shuffled(p, rng) for p in parameters]
        inputs = LayerInputs(self.kind, x, a0, c0, shuffled, np.dtype(self.dtype), D, activation=activation)
        return ordinary_layers(inputs, trained=bool(trained)) if self.regime in ORDINARY else inputs

    def gradient(self, shape: tuple[int, ...], number: int) -> Array:
        """An incoming gradient of a backward pass: normal numbers, or in {-1, 0, 1} in the regime `ternary`.

        In a regime with large numbers, some samples are multiplied by a factor up to 1000, so that clipping
        shows. Gradient number 0 has samples on the second axis, the others have them on the last axis.
        """
        rng, m = np.random.default_rng([self.seed, 4, number]), self.sizes["m"]
        if self.regime == "ternary":
            return rng.integers(-1, 2, shape).astype(self.dtype)
        loud = 10 ** rng.uniform(0, 3, m) if self.regime in ("wild", "counting") else np.ones(m)
        axes = (1, m, 1) if number == 0 else (m,)
        return (rng.standard_normal(shape) * loud.reshape(axes)).astype(self.dtype)

    @property
    def poisons_the_gradient(self) -> bool:
        """Whether the NaN or infinity is in the incoming gradient, and not in the forward pass."""
        return self.regime == "nonfinite" and np.random.default_rng([self.seed, 3]).random() < 0.5

    def _arrays(self, draw: Any, shapes: Mapping[str, Shape]) -> dict[str, Array]:
        every = {name: extents(shape, self.sizes) for name, shape in shapes.items()}
        return {name: draw(name, shape).astype(self.dtype) for name, shape in every.items()}


def _shuffled(arrays: Parameters, rng: np.random.Generator) -> dict[str, Array]:
    """The parameters in a random order, since a program must read the parameters by name."""
    return {name: arrays[name] for name in rng.permutation([*arrays]).tolist()}
