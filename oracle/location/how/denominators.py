"""Softmaxes whose denominator leaves out some of the classes, as where a reduction loses a remainder."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from oracle.location.how.cases import Case
from reference.contract import Array

FEW_CLASSES, MOST_CLASSES, MOST_LEFT_OUT = 8, 13, 3
"""Of how many classes it has to be so, of how many it is tried, and how many are left out."""

ENOUGH = 4
"""Samples of which all classes are wrong that tell which are left out."""


def of_fewer_classes(cases: Sequence[Case]) -> str:
    """Which classes the denominator leaves out, by how many there are; empty where none explain all."""
    if cases[0].equation.activation != "softmax":
        return ""
    left_out: dict[int, tuple[int, ...]] = {}
    for n_y in sorted({len(case.chosen) for case in cases}):
        totals, right = _of_whole_samples([case for case in cases if len(case.chosen) == n_y])
        if n_y > MOST_CLASSES or len(totals) < ENOUGH:
            continue
        found = [
            some
            for count in range(1, min(MOST_LEFT_OUT, n_y - 1) + 1)
            for some in combinations(range(n_y), count)
            if np.allclose(1 - right[list(some)].sum(axis=0), 1 / totals, rtol=0, atol=TOLERANCE)
        ]
        if found:
            left_out[n_y] = found[0]
        elif n_y <= FEW_CLASSES:  # of more there may be more than are tried
            return ""
    if not left_out:
        return ""
    return f"exp(logit) / the sum of these without {_in_words(left_out)}"


def _in_words(left_out: dict[int, tuple[int, ...]]) -> str:
    if {*left_out.values()} == {(0,)}:
        return "the first class"
    if all(some == (n_y - 1,) for n_y, some in left_out.items()):
        return "the last class"
    each = (f"of {n_y} without {', '.join(map(str, some))}" for n_y, some in left_out.items())
    return f"some classes ({'; '.join(each)})"


TOLERANCE = 1e-6


def _of_whole_samples(cases: Sequence[Case]) -> tuple[Array, Array]:
    """What the classes sum to, `(count,)`, and the right values `(n_y, count)`, where all are wrong."""
    totals, right = [np.zeros(0)], [np.zeros((len(cases[0].chosen), 0))]
    for case in cases:
        whole = case.chosen.all(axis=0)
        totals.append(case.equation.shown[:, whole].sum(axis=0, dtype=np.float64))
        right.append(case.equation.right.value[:, whole])
    return np.concatenate(totals), np.concatenate(right, axis=1)
