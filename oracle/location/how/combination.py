"""A difference as multiples of what is in an equation, or might be by mistake."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from oracle.location.how.fitting import least_squares
from reference.contract import Array

RIGHT = "the right value"

ROUNDING = 1e-11
"""How exactly multiples can be told, relatively."""

CLEAR = 1e-9
"""A factor that is less is 0."""


def combination(difference: Array, allowed: Array, terms: Mapping[str, Array]) -> dict[str, float]:
    """The sum of multiples of one term, or of two, that is the difference at all elements; empty if none is.

    The multiples are the same for all elements.
    """
    columns = {
        name: column
        for name, column in terms.items()
        if np.isfinite(column).all() and np.ptp(column) + np.abs(column).max(initial=0) > 0
    }
    weight = 1 / np.maximum(allowed, 1e-30)
    if not np.isfinite(difference).all():
        return {}
    for count in (1, 2):
        if len(difference) < 4 * count:
            return {}
        for names in combinations(columns, count):
            matrix = np.stack([columns[name] for name in names], axis=1)
            factors, rank = least_squares(matrix * weight[:, None], difference * weight, 1e-13)
            rounding = ROUNDING * (np.abs(matrix) @ np.abs(factors))
            fits = rank == count and (np.abs(matrix @ factors - difference) <= allowed + rounding).all()
            if fits and (np.abs(matrix * factors).max(axis=0) > allowed.max()).all():
                return dict(zip(names, factors.tolist(), strict=True))
    return {}


def in_words(factors: Mapping[str, float]) -> str:
    """The right value and what is added to it."""
    times = 1 + factors.get(RIGHT, 0.0)
    words = RIGHT if RIGHT not in factors else f"{times:.6g} times {RIGHT}" if abs(times) > 1e-9 else ""
    for name, factor in factors.items():
        if name == RIGHT:
            continue
        number = f"{abs(factor):.6g}"
        term = number if name == "1" else name if number == "1" else f"{number} times {name}"
        sign = "-" if factor < 0 else "+" if words else ""
        words = f"{words} {sign} {term}".strip()
    return words or "0"
