"""Right values that stand in other rows, whatever the order is."""

from collections.abc import Sequence

import numpy as np

from oracle.location.how.candidates import plural
from oracle.location.how.cases import Case

FEWEST = 6
"""Columns of several rows that are needed."""


def in_another_order(cases: Sequence[Case]) -> str:
    """That each column with wrong values has all right ones of it; empty where one has not."""
    count = 0
    for case in cases:
        right, chosen = case.equation.right, case.chosen.any(axis=0)
        if len(right.value) < 2:
            return ""
        shown, value, error = (
            np.sort(array[:, chosen], axis=0) for array in (case.equation.shown, right.value, right.error)
        )
        if not (np.abs(shown - value) <= 4 * error[-1:] + 1e-14 * np.abs(value)).all():
            return ""
        count += int((np.ptp(value, axis=0) > 0).sum())
    return (
        f"the right values of its sample, in other {plural(cases[0].equation.row)}" if count >= FEWEST else ""
    )
