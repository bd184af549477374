"""Weights that are scaled: by which number, and to which norm."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from reference.contract import Array

CLEAR = 1e-7
"""Differences of weights below this are rounding."""

OF_ANY_SIZES = "of its weights"
"""Of what is told of those, and so of networks of any sizes."""

_NORMS: Mapping[str, Callable[[Array], float]] = {
    "spectral radius": lambda W: _spectral_radius(W) if W.shape[0] == W.shape[1] else np.nan,
    "largest singular value": lambda W: float(np.linalg.norm(W, 2)),
    "norm": lambda W: float(np.linalg.norm(W)),
    "largest row sum of sizes": lambda W: float(np.abs(W).sum(axis=1).max()),
    "largest column sum of sizes": lambda W: float(np.abs(W).sum(axis=0).max()),
    "largest entry": lambda W: float(np.abs(W).max()),
}
"""To which weights are scaled, or by which."""


def _spectral_radius(W: Array) -> float:
    return float(np.abs(np.linalg.eigvals(W)).max())


def times(factor: float, W: Array | None) -> str:
    """How many times: a simple number, or one divided by a norm of all weights; else for these alone."""
    simple = float(Fraction(factor).limit_denominator(_LARGEST))
    if abs(simple - factor) <= CLEAR * abs(factor):
        return f"{factor:.6g} times"
    norms = {} if W is None else {words: norm(W) for words, norm in _NORMS.items()}
    for words, norm in norms.items():
        if round_one := _round(factor * norm):
            return f"({round_one} / the {words} {OF_ANY_SIZES}) times"
    return f"{factor:.6g} times in the one network that was asked"


_LARGEST = 100
"""The largest denominator of a simple number."""


def norm_of_rows(W: Array, right: Array) -> str:
    """The norm, a round number, to which each row is scaled; empty where it is not."""
    norms = np.linalg.norm(W, axis=1)
    directions = W / norms[:, None], right / np.linalg.norm(right, axis=1)[:, None]
    is_scaled = len(W) > 1 and np.ptp(norms) <= CLEAR and np.allclose(*directions, atol=CLEAR)
    return _round(float(norms[0])) if is_scaled else ""


def _round(number: float) -> str:
    """A number of two digits that it is; empty where it is none."""
    return f"{number:.2g}" if abs(float(f"{number:.2g}") - number) <= CLEAR * abs(number) else ""
