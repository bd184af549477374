"""Multiples of right values, another in each problem or of each sample, by what is the same in all."""

from collections.abc import Mapping, Sequence

import numpy as np

from oracle.location.how.candidate import Candidate
from oracle.location.how.cases import Case
from oracle.location.how.combination import CLEAR, RIGHT, ROUNDING, combination
from oracle.location.how.factors import by_size
from oracle.location.how.fitting import least_squares


def of_each_problem(cases: Sequence[Case], terms: Mapping[str, Candidate]) -> str:
    """A multiple of one term, another in each problem, and for each gate if there are several."""
    enough = [case for case in cases if case.chosen.sum() >= 8]
    if len(enough) < 2:
        return ""
    for name, term in terms.items():
        found = [combination(case.shown - case.right, case.allowed, {name: case.of(term)}) for case in enough]
        if all(found):
            factors = [each[name] + (name == RIGHT) for each in found]
            if max(map(abs, factors)) < CLEAR:
                continue
            each_gate = " and gate" if len({case.equation.name for case in enough}) > 1 else ""
            doubts = [float((case.allowed / np.abs(case.of(term))).min()) for case in enough]
            total = [each[name] + 1 for each in found]
            if _is_a_summand(name) and (law := by_size(total, doubts, [case.equation for case in enough])):
                return f"{RIGHT} with {name} times {law}"
            number = f"a number for each problem{each_gate}, {min(factors):.3g} to {max(factors):.3g}"
            return f"{RIGHT} times {number}" if name == RIGHT else f"{RIGHT} + {name} times {number}"
    return ""


def _is_a_summand(name: str) -> bool:
    """Whether the right value is this and something more."""
    of_another_step = name.startswith("Wy") and name.endswith("a_prev")
    return (name[0] in "Wb" and not of_another_step) or name in ("ft * c_prev", "it * cct")


def of_each_column(cases: Sequence[Case]) -> str:
    """The right values of a sample and step times a number, or an affine function of them."""
    several = [case for case in cases if case.chosen.shape[0] >= 4]
    if len(several) < 2:
        return ""
    for words, degree in ((f"{RIGHT} times a number for each sample", 0), (_NORMALISED, 1)):
        told = [found for case in several if (found := _is_polynomial(case, degree)) is not None]
        if len(told) >= MOST * len(several) and all(told):
            return words
    return ""


_NORMALISED = f"an affine function of {RIGHT} for each sample, as where that is normalised over its units"


MOST = 0.9
"""Which part of the cases has to have whole columns."""


def _is_polynomial(case: Case, degree: int) -> bool | None:
    """Whether each column that is whole is a multiple of the right one, or an affine function of it.

    It is not told where none is whole.
    """
    n = case.chosen.shape[0]
    correct, shown = (array.reshape(n, -1) for array in (case.equation.right.value, case.equation.shown))
    error = 4 * case.equation.right.error.reshape(n, -1) + 1e-14 * np.abs(correct)
    whole = np.isfinite(shown).all(axis=0) & np.isfinite(error).all(axis=0)
    whole &= case.chosen.reshape(n, -1).any(axis=0) & (error > 0).all(axis=0)
    for j in np.flatnonzero(whole)[:20]:
        matrix = np.stack([correct[:, j], np.ones(n)][: degree + 1], axis=1)
        factors, _ = least_squares(matrix / error[:, [j]], shown[:, j] / error[:, j])
        rounding = ROUNDING * (np.abs(matrix) @ np.abs(factors))
        if not (np.abs(matrix @ factors - shown[:, j]) <= error[:, j] + rounding).all():
            return False
    return True if whole.any() else None
