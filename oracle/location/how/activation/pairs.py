"""Arguments of an activation, and what is shown in the place of its values."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from reference.contract import Array

Function = Callable[[Array], Array]

ENOUGH = 30
"""Different arguments by which a function may be told."""

SAME = 1e-12
"""How near to one another values are that are one, and were divided by a gate."""


@dataclass(frozen=True)
class Pairs:
    """What is shown for each argument `z`, that is called by a `name`, and how exactly that is known."""

    name: str
    activation: str
    z: Array
    shown: Array
    allowed: Array

    @property
    def are_enough(self) -> bool:
        """Whether all is known, of enough arguments."""
        known = np.isfinite(self.shown) & np.isfinite(self.allowed) & (self.allowed > 0) & np.isfinite(self.z)
        return bool(known.all()) and len(np.unique(np.round(self.z, 9))) >= ENOUGH

    @property
    def function(self) -> Function:
        """The right one."""
        return np.tanh if self.activation == "tanh" else sigmoid

    @property
    def limits(self) -> tuple[float, float]:
        """The least value and the largest, if several are that, within which the others may be limited."""
        least, most = float(self.shown.min()), float(self.shown.max())
        low = least if (self.shown <= least + SAME).sum() > 2 else -np.inf
        return low, most if (self.shown >= most - SAME).sum() > 2 else np.inf

    @property
    def within_limits(self) -> "Pairs":
        """Those that are not limited."""
        low, high = self.limits
        inner = (low + SAME < self.shown) & (self.shown < high - SAME)
        return replace(self, z=self.z[inner], shown=self.shown[inner], allowed=self.allowed[inner])

    def are_given_by(self, function: Function, rounding: float | Array = 1e-13) -> bool:
        """Whether a function gives all that is shown, to within its own rounding; first of all of a few.

        It may be NaN of some, of which it says nothing.
        """
        few = slice(None, None, max(len(self.z) // 8, 1))
        for part in few, slice(None):
            value = function(self.z[part])
            off = np.abs(value - self.shown[part])
            told = ~np.isnan(value)
            if not (off <= self.allowed[part] + rounding)[told].all() or 2 * told.sum() < told.size:
                return False
        return True


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z))."""
    return np.asarray(1 / (1 + np.exp(-z)))


def sign(pairs: Pairs) -> tuple[str, Function] | None:
    """That the value is the largest or the least that there is, by the sign of the argument."""
    words, function = (
        (f"the sign of {pairs.name}", np.sign)
        if pairs.activation == "tanh"
        else (f"1 for {pairs.name} > 0, else 0", lambda z: np.heaviside(z, 0.0))
    )
    return (words, function) if pairs.are_given_by(function) else None
