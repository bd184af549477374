"""Softmaxes whose denominator leaves out some of the classes, as where a reduction loses a remainder."""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from oracle.location.how.cases import Case
from reference.contract import Array

FEW_CLASSES, MOST_CLASSES, MOST_LEFT_OUT = 8, 13, 3
"""Of how many classes it has to be so, of how many it is tried, and how many are left out."""

ENOUGH = 4
"""Samples of which all classes are wrong that tell which are left out."""

TOLERANCE = 1e-6


def of_fewer_classes(cases: Sequence[Case]) -> str:
    """Which classes the denominator leaves out, by how many there are; empty where none explain all."""
    if cases[0].equation.activation != "softmax":
        return ""
    for words, place in (("the first class", 0), ("the last class", -1)):
        if all(_is_without(case, [place]) for case in cases):
            return f"exp(logit) / the sum of these without {words}"
    left_out: dict[int, tuple[int, ...]] = {}
    for n_y in sorted({len(case.chosen) for case in cases}):
        alike = [case for case in cases if len(case.chosen) == n_y]
        if n_y > MOST_CLASSES or sum(int(case.chosen.all(axis=0).sum()) for case in alike) < ENOUGH:
            continue
        found = next((some for some in _some_of(n_y) if all(_is_without(case, some) for case in alike)), None)
        if found:
            left_out[n_y] = found
        elif n_y <= FEW_CLASSES:  # of more there may be more than are tried
            return ""
    each = (f"of {n_y} without {', '.join(map(str, some))}" for n_y, some in left_out.items())
    return f"exp(logit) / the sum of these without some classes ({'; '.join(each)})" if left_out else ""


def _some_of(n_y: int) -> Iterator[tuple[int, ...]]:
    """The fewest first."""
    for count in range(1, min(MOST_LEFT_OUT, n_y - 1) + 1):
        yield from combinations(range(n_y), count)


def _is_without(case: Case, some: Sequence[int]) -> bool:
    """Whether all that is wrong is what a denominator without some classes gives."""
    right: Array = case.equation.right.value
    expected = right / (1 - right[list(some)].sum(axis=0))
    return bool(np.allclose(case.shown, expected[case.chosen], rtol=TOLERANCE, atol=0))
