"""Values that are 0, or a multiple of the right ones, as a dropout that is left on makes them."""

from collections.abc import Sequence

import numpy as np

from oracle.location.how.cases import Case
from oracle.location.how.combination import RIGHT, ROUNDING

FEWEST = 8
"""Of either kind, that this is no accident."""


def of_a_mask(cases: Sequence[Case]) -> str:
    """That each value is 0 or one multiple of the right one; empty where any is not, or all are of a kind."""
    shown, right, allowed = (
        np.concatenate([getattr(case, name) for case in cases]) for name in ("shown", "right", "allowed")
    )
    kept = (np.abs(shown) > allowed) & (np.abs(right) > allowed)
    is_zero = (np.abs(shown) <= allowed) & (np.abs(right) > 4 * allowed)
    if min(kept.sum(), is_zero.sum()) < FEWEST:
        return ""
    ratios = shown[kept] / right[kept]
    factor = ratios[np.argmin(allowed[kept] / np.abs(right[kept]))]
    multiple = factor * right
    fits = np.abs(shown - multiple) <= allowed * max(1, abs(factor)) + ROUNDING * np.abs(multiple)
    return f"0 or {factor:.6g} times {RIGHT}" if (fits | (np.abs(shown) <= allowed)).all() else ""
