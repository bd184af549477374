"""Errors as fractions of their bounds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from reference.contract import Array

Answer = dict[str, Array]


def apart(answer: Array, evaluation: Array) -> Array:
    """How far the two are apart: 0 where both are NaN or the same infinity."""
    with np.errstate(invalid="ignore"):
        distance = np.abs(answer.astype(np.float64) - evaluation)
    same = (answer == evaluation) | (np.isnan(answer) & np.isnan(evaluation))
    return np.where(same, 0.0, np.where(np.isnan(distance), np.inf, distance))


from_exact = np.vectorize(lambda number, enclosure: enclosure.distance_at_most(number), otypes=[float])
"""How far numbers are from the exact value at most."""


def fractions(
    answer: Mapping[str, Array], centre: Mapping[str, Array], bound: Mapping[str, Array], distance: Any
) -> Answer:
    """The distance of each element from its centre, as a fraction of its bound."""
    found = {}
    for name, array in answer.items():
        late = slice(centre[name].shape[2] - array.shape[2], None)  # of c torch returns the last step only
        far, allowed = distance(array, centre[name][:, :, late]), bound[name][:, :, late]
        known = (allowed > 0) & (allowed < np.inf)  # of an infinite bound nothing is too far
        found[name] = np.divide(far, allowed, out=np.where(far > allowed, np.inf, 0.0), where=known)
    return found


def worst(ratios: Mapping[str, Array]) -> float:
    """The largest of all."""
    return max(float(array.max(initial=0.0)) for array in ratios.values())
