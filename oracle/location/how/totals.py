"""Totals of right values, which broadcasting and mistyped axes put in the place of each."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from oracle.location.how.candidates import plural
from oracle.location.how.cases import Case
from reference.contract import Array


def totals(cases: Sequence[Case]) -> str:
    """Which total each of these is of the right values, in words; empty where none."""
    for axis, over in enumerate((plural(cases[0].equation.row), "samples")):
        for words, total in _TOTALS.items():
            if all(_is_it(case, total, axis) for case in cases):
                return words.format(over)
    return ""


_TOTALS: Mapping[str, Callable[[Array, int], Array]] = {
    "its sum over the {}": lambda values, axis: values.sum(axis=axis, keepdims=True),
    "its mean over the {}": lambda values, axis: values.mean(axis=axis, keepdims=True),
    "its sum over the {} up to its own": lambda values, axis: np.cumsum(values, axis=axis),
    "its product over the {}": lambda values, axis: values.prod(axis=axis, keepdims=True),
    "the largest of all {}": lambda values, axis: values.max(axis=axis, keepdims=True),
}


def _is_it(case: Case, total: Callable[[Array, int], Array], axis: int) -> bool:
    value = case.equation.right.value
    expected = np.broadcast_to(total(value, axis), value.shape)[case.chosen]
    return bool((np.abs(case.shown - expected) <= len(value) * case.allowed).all())
