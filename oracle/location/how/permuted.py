"""Right values that stand in other rows, whatever the order is."""

from collections.abc import Sequence

import numpy as np

from oracle.location.how.candidates import plural
from oracle.location.how.cases import Case

FEWEST = 6
"""Columns of several rows that are needed."""


CLEARLY = 100
"""By how many times what is allowed some value of a column is off, for it not to be its own, rounded."""


def in_another_order(cases: Sequence[Case]) -> str:
    """That each column with wrong values has all right ones of it; empty where one has not."""
    clear, count = 0, 0
    for case in cases:
        right, columns = case.equation.right, case.chosen.any(axis=0)
        if len(right.value) < 2:
            return ""
        shown, value, error = (
            array[:, columns].astype(np.float64) for array in (case.equation.shown, right.value, right.error)
        )
        allowed = 4 * error.max(axis=0) + 1e-14 * np.abs(value)
        if not (np.abs(np.sort(shown, axis=0) - np.sort(value, axis=0)) <= allowed).all():
            return ""
        clear += int((np.abs(shown - value) > CLEARLY * allowed).any(axis=0).sum())
        count += shown.shape[1]
    is_told = clear >= max(FEWEST, count / 2)
    return f"the right values of its sample, in other {plural(cases[0].equation.row)}" if is_told else ""
