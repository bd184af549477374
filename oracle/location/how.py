"""Finds how the values of an equation are wrong: the simplest forms that give all wrong values."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.location.candidates import candidates
from oracle.location.facts import Form
from oracle.location.forms import given_by
from oracle.location.observations import Case, Observation
from oracle.step import GATES
from reference.contract import Array

FIRST_CASES = 8
"""The number of answers with which a form is tested first."""
MOST_FORMS = 6
"""The search ends when it has found this number of fitting forms."""
EVIDENCE = 3
"""The smallest number of elements that must have the form's value and clearly differ from the right value."""
MISFITS = 0.002
"""The part of the elements that may differ from the form's value, such as ties that round the other way."""


def unchanged_by(case: Case, form: Form) -> Array:
    """Where a form gives the right value, `(n, m, T_x)`."""
    check = case.check
    found = given_by(form, case.observation, case.target)
    if found is None:
        return np.zeros(check.shown.shape, bool)
    with np.errstate(all="ignore"):
        same = np.asarray(np.abs(found - check.right) <= np.maximum(2 * check.allowed, case.tolerance / 8))
    hidden = check.decided & ~check.visible
    if hidden.any():  # these memory states show only in the hidden state
        same = same | (hidden & ~_changes_hidden_state(case.observation, found))
    return same


def _changes_hidden_state(observation: Observation, c_next: Array) -> Array:
    """Where the hidden state would be outside of its bound with these memory states."""
    check = observation.checks["a_next"]
    other = observation.with_node("a_next", "c_next", c_next)
    with np.errstate(all="ignore"):
        seen = np.abs(other - check.right) > 2 * check.allowed
    return seen if seen.shape == c_next.shape else np.broadcast_to(seen.all(axis=0), c_next.shape)


def _matched(case: Case, form: Form) -> tuple[int, int] | None:
    """The numbers of wrong elements that have the form's value, and that do not have it.

    Elements that have the form's value count only if they clearly differ from the right value. `None` if the
    form does not apply.
    """
    check = case.check
    found = given_by(form, case.observation, case.target)
    if found is None:
        return None
    wrong = check.wrong & check.visible
    shown, found, right, tolerance = (
        check.shown[wrong],
        found[wrong],
        check.right[wrong],
        case.tolerance[wrong],
    )
    with np.errstate(all="ignore"):
        same = (np.abs(found - shown) <= tolerance) | (np.isnan(found) & np.isnan(shown)) | (found == shown)
        tells = ~(np.abs(shown - right) <= 3 * tolerance)
    return int((same & tells).sum()), int((~same).sum())


def fits(cases: Sequence[Case], form: Form, least: int = 0) -> bool:
    """Whether a form gives all wrong elements, at least `least` of which clearly differ from right values."""
    matched = failed = 0
    for case in cases:
        count = _matched(case, form)
        if count is None:
            return False
        matched, failed = matched + count[0], failed + count[1]
        if failed > max(MISFITS * matched, 1 if matched > 50 else 0) and least:
            return False
    return matched >= least and failed <= max(MISFITS * matched, 1 if matched > 50 else 0)


def fitting_forms(cases: Sequence[Case]) -> list[Form]:
    """The forms that give all wrong elements, the simplest first."""
    cases = [
        case for case in cases if (check := case.check).wrong.any() and (check.wrong & check.visible).any()
    ]
    if not cases:
        return []
    few = _first_cases(cases)
    found: list[Form] = []
    tried: set[Form] = set()
    for _, form in sorted(candidates(few), key=lambda each: each[0]):
        if form in tried:
            continue
        tried.add(form)
        if fits(few, form, EVIDENCE) and fits(cases, form, EVIDENCE):
            found.append(form)
            if len(found) == MOST_FORMS:
                break
    return found


def _first_cases(cases: Sequence[Case]) -> list[Case]:
    """About `FIRST_CASES` answers of several shapes, mostly small and with at least four wrong elements."""

    def size(case: Case) -> tuple[bool, int]:
        check = case.check
        return int(check.wrong.sum()) < 4, check.shown.size

    ordered = sorted(cases, key=size)
    middle = ordered[: max(len(ordered) // 2, FIRST_CASES)]
    return middle[:: -(-len(middle) // FIRST_CASES)]


def for_gate(form: Form, one: str, other: str) -> Form:
    """The form for the gate `other` that corresponds to a form for the gate `one`."""
    letters = {quantity: letter for letter, quantity in GATES.items()}
    if not {one, other} <= letters.keys():
        return form
    old, new = letters[one], letters[other]
    names = {one: other, f"z{old}": f"z{new}"}

    def renamed(name: str) -> str:
        is_parameter = name.startswith((f"W{old}", f"b{old}"))
        return name[0] + new + name[2:] if is_parameter else names.get(name, name)

    return replace(form, node=renamed(form.node), source=renamed(form.source), other=renamed(form.other))
