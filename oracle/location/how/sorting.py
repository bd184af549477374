"""Samples that were sorted by the lengths that are seen in their inputs, and not put back."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from oracle.location.how.candidate import Candidate
from oracle.location.where.equation import Equation
from reference.contract import Array

SORTED = "that of sample order[k], order = argsort("
SORTED_TWICE = "that of sample order[order[k]], order = argsort("
"""As where they are put back by the order in which they were sorted, and not by its inverse."""


def of_sorted_samples() -> Iterator[tuple[str, Candidate]]:
    """In words, what is shown of each sample, where they are padded with zeros."""
    for lengths, length in _LENGTHS.items():
        for sign, falling in (("-", -1), ("", 1)):
            of = f"{sign}lengths), these being {lengths}"
            yield f"{SORTED}{of}", partial(_sorted, length, falling, 1)
            yield f"{SORTED_TWICE}{of}", partial(_sorted, length, falling, 2)


def _sorted(length: Callable[[Array], Array], sign: int, times: int, equation: Equation) -> Array:
    is_given = np.asarray((equation.answer.input != 0).any(axis=0))
    order, value = np.argsort(sign * length(is_given), kind="stable"), equation.right.value
    for _ in range(times):
        value = value[:, order]
    return value


def _last(is_given: Array) -> Array:
    steps = np.arange(1, is_given.shape[1] + 1)
    return np.asarray(np.max(is_given * steps, axis=1, initial=0))


_LENGTHS: Mapping[str, Callable[[Array], Array]] = {
    "the number of steps with xt ≠ 0": lambda is_given: is_given.sum(axis=1),
    "the last step with xt ≠ 0": _last,
}
"""Of samples, by the steps `(m, T_x)` at which any feature is not 0."""
