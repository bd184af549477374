"""Samples that were sorted by what is seen in their inputs, as their lengths, and not put back."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from oracle.location.how.candidate import Candidate
from oracle.location.where.equation import Equation
from reference.contract import Array

SORTED = "that of sample order[k], order = stable argsort("
SORTED_TWICE = "that of sample order[order[k]], order = stable argsort("
"""As where they are put back by the order in which they were sorted, and not by its inverse."""


def of_sorted_samples() -> Iterator[tuple[str, Candidate]]:
    """In words, what is shown of each sample, where they are sorted by something of their inputs."""
    for words, key in _KEYS.items():
        for sign, falling in (("-", -1), ("", 1)):
            yield f"{SORTED}{sign}{words}", partial(_sorted, key, falling, 1)
            yield f"{SORTED_TWICE}{sign}{words}", partial(_sorted, key, falling, 2)


def _sorted(key: Callable[[Array], Array], sign: int, times: int, equation: Equation) -> Array:
    order, value = np.argsort(sign * key(equation.answer.input), kind="stable"), equation.right.value
    for _ in range(times):
        value = value[:, order]
    return value


def _last(x: Array) -> Array:
    steps = np.arange(1, x.shape[2] + 1)
    return np.asarray(np.max((x != 0).any(axis=0) * steps, axis=1, initial=0))


_KEYS: Mapping[str, Callable[[Array], Array]] = {
    "lengths), these being the number of steps with xt ≠ 0": lambda x: (x != 0).any(axis=0).sum(axis=1),
    "lengths), these being the last step with xt ≠ 0": _last,
    "sums), these being of |x| of each sample": lambda x: np.abs(x).sum(axis=(0, 2)),
    "sums), these being of x of each sample": lambda x: x.sum(axis=(0, 2)),
    "norms), these being of x of each sample": lambda x: np.square(x).sum(axis=(0, 2)),
    "largest), these being of |x| of each sample": lambda x: np.abs(x).max(axis=(0, 2), initial=0),
}
"""Of samples, by their inputs `(n_x, m, T_x)`, where they are padded with zeros and where not."""
