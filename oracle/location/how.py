"""Finds how the values of an equation are wrong: the simplest replacements that give all wrong values."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from oracle.location.candidates import candidates
from oracle.location.facts import Replacement
from oracle.location.observations import EquationCase, Observation
from oracle.location.replacements import result_with
from oracle.network.cells import GATES
from reference.contract import Array

FIRST_CASES = 8
"""The number of answers on which a replacement is tested first."""
MOST_REPLACEMENTS = 6
"""The largest number of fitting replacements that the search finds."""
LEAST_EVIDENCE = 3
"""The smallest number of elements that show a replacement: they are clearly wrong, and have its value."""
LARGEST_MISFIT = 0.002
"""The largest part of the wrong elements that may have other values, as ties may round the other way."""


def unchanged_elements(case: EquationCase, replacement: Replacement) -> Array:
    """For each element, whether a replacement gives the right value, `(n, m, T_x)`."""
    check = case.check
    found = result_with(replacement, case.observation, case.target)
    if found is None:
        return np.zeros(check.shown.shape, bool)
    with np.errstate(all="ignore"):
        same = np.asarray(np.abs(found - check.right) <= np.maximum(2 * check.allowed, case.tolerance / 8))
    hidden = check.decided & ~check.visible
    if hidden.any():  # these memory states show only in the hidden state
        same = same | (hidden & ~_changes_hidden_state(case.observation, found))
    return same


def _changes_hidden_state(observation: Observation, c_next: Array) -> Array:
    """For each memory state, whether it would change the hidden state by more than the bound."""
    check = observation.checks["a_next"]
    other = observation.with_node("a_next", "c_next", c_next)
    with np.errstate(all="ignore"):
        seen = np.abs(other - check.right) > 2 * check.allowed
    return seen if seen.shape == c_next.shape else np.broadcast_to(seen.all(axis=0), c_next.shape)


def _matched(case: EquationCase, replacement: Replacement) -> tuple[int, int] | None:
    """Count the clearly wrong elements with the replacement's value, and the wrong elements with another.

    `None` if the replacement does not apply.
    """
    check = case.check
    found = result_with(replacement, case.observation, case.target)
    if found is None:
        return None
    wrong = check.wrong & check.visible
    shown, found, right, tolerance = (
        array[wrong] for array in (check.shown, found, check.right, case.tolerance)
    )
    with np.errstate(all="ignore"):
        same = (np.abs(found - shown) <= tolerance) | (np.isnan(found) & np.isnan(shown)) | (found == shown)
        is_clear = ~(np.abs(shown - right) <= 3 * tolerance)
    return int((same & is_clear).sum()), int((~same).sum())


def fits(cases: Sequence[EquationCase], replacement: Replacement, least: int = 0) -> bool:
    """Whether a replacement gives all wrong elements, of which at least `least` are clearly wrong."""
    matched, failed, does_fit = 0, 0, True
    for case in cases:
        counts = _matched(case, replacement)
        if counts is None:
            return False
        matched, failed = matched + counts[0], failed + counts[1]
        does_fit = failed <= max(LARGEST_MISFIT * matched, 1 if matched > 50 else 0)
        if least and not does_fit:
            return False
    return does_fit and matched >= least


def fitting_replacements(cases: Sequence[EquationCase]) -> list[Replacement]:
    """The replacements that give all wrong elements, the simplest first."""
    cases = [case for case in cases if (case.check.wrong & case.check.visible).any()]
    if not cases:
        return []
    few = _first_cases(cases)
    ordered = dict.fromkeys(each for _, each in sorted(candidates(few), key=lambda pair: pair[0]))
    fitting = (
        each for each in ordered if fits(few, each, LEAST_EVIDENCE) and fits(cases, each, LEAST_EVIDENCE)
    )
    return [*islice(fitting, MOST_REPLACEMENTS)]


def _first_cases(cases: Sequence[EquationCase]) -> list[EquationCase]:
    """About `FIRST_CASES` answers of several shapes, mostly small and with at least four wrong elements."""
    ordered = sorted(cases, key=lambda case: (case.check.wrong.sum() < 4, case.check.shown.size))
    middle = ordered[: max(len(ordered) // 2, FIRST_CASES)]
    return middle[:: -(-len(middle) // FIRST_CASES)]


def replacement_for_gate(replacement: Replacement, one: str, other: str) -> Replacement:
    """The replacement for the gate `other` that corresponds to a replacement for the gate `one`."""
    letters = {quantity: letter for letter, quantity in GATES.items()}
    if not {one, other} <= letters.keys():
        return replacement
    old, new = letters[one], letters[other]
    names = {one: other, f"z{old}": f"z{new}"}

    def renamed(name: str) -> str:
        is_parameter = name.startswith((f"W{old}", f"b{old}"))
        return name[0] + new + name[2:] if is_parameter else names.get(name, name)

    return replace(
        replacement,
        node=renamed(replacement.node),
        source=renamed(replacement.source),
        other=renamed(replacement.other),
    )
