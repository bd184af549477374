"""How the values of an equation are wrong: a form, tried in the order of how far-fetched it is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from oracle.location.candidates import candidates
from oracle.location.facts import Form
from oracle.location.forms import given_by
from oracle.location.observations import Case, Observation
from reference.contract import Array

FEW = 8
"""Answers in which a form is tried before it is held to all."""
MATCHES = 6
"""Forms that match, of which the best is taken."""
EVIDENCE = 3
"""Elements at least that have to be what a form gives, and not what is right."""
STRAY = 0.002
"""The part of the elements that may be otherwise: a tie that is rounded to the other side."""


def mute(case: Case, form: Form) -> Array:
    """Where what a form gives is what is right, too."""
    held = case.observation.held[case.target]
    found = given_by(form, case.observation, case.target)
    if found is None:
        return np.zeros(held.shown.shape, bool)
    with np.errstate(all="ignore"):
        same = np.asarray(np.abs(found - held.right) <= np.maximum(2 * held.allowed, case.tolerance / 8))
    hidden = held.told & ~held.seen
    if hidden.any():  # a memory state that is seen by the hidden state alone
        same = same | (hidden & ~_shows(case.observation, found))
    return same


def _shows(observation: Observation, c_next: Array) -> Array:
    """Where another memory state would be seen in the hidden state."""
    held = observation.held["a_next"]
    other = observation.with_node("a_next", "c_next", c_next)
    with np.errstate(all="ignore"):
        seen = np.abs(other - held.right) > 2 * held.allowed
    return seen if seen.shape == c_next.shape else np.broadcast_to(seen.all(axis=0), c_next.shape)


def matched(case: Case, form: Form) -> tuple[int, int] | None:
    """How many wrong elements are what a form gives, and how many are not; `None` where it does not apply."""
    held = case.observation.held[case.target]
    found = given_by(form, case.observation, case.target)
    if found is None:
        return None
    wrong = held.wrong & held.seen
    shown, found, right, tolerance = held.shown[wrong], found[wrong], held.right[wrong], case.tolerance[wrong]
    with np.errstate(all="ignore"):
        same = (np.abs(found - shown) <= tolerance) | (np.isnan(found) & np.isnan(shown)) | (found == shown)
        tells = ~(np.abs(shown - right) <= 3 * tolerance)
    return int((same & tells).sum()), int((~same).sum())


def fits(cases: Sequence[Case], form: Form) -> bool:
    """Whether all wrong elements are what a form gives, and enough of them tell."""
    told = failed = 0
    for case in cases:
        count = matched(case, form)
        if count is None or count[1] > max(STRAY * sum(count), 0 if sum(count) < 50 else 1):
            return False
        told, failed = told + count[0], failed + count[1]
    return told >= EVIDENCE and failed <= STRAY * told


def likely(cases: Sequence[Case]) -> list[Form]:
    """The forms that all wrong elements have, the least far-fetched first."""
    cases = [
        case
        for case in cases
        if (held := case.observation.held[case.target]).wrong.any() and (held.wrong & held.seen).any()
    ]
    if not cases:
        return []
    few = _few(cases)
    found: list[tuple[float, Form]] = []
    tried: set[Form] = set()
    for cost, form in sorted(candidates(few), key=lambda each: each[0]):
        if form in tried:
            continue
        tried.add(form)
        if fits(few, form) and fits(cases, form):
            found.append((cost, form))
            if len(found) == MATCHES:
                break
    return [form for _, form in found]


def _few(cases: Sequence[Case]) -> list[Case]:
    """Some of several shapes, small ones first, and none in which hardly anything is wrong."""

    def size(case: Case) -> tuple[bool, int]:
        held = case.observation.held[case.target]
        return int(held.wrong.sum()) < 4, held.shown.size

    ordered = sorted(cases, key=size)
    middle = ordered[: max(len(ordered) // 2, FEW)]
    return middle[:: -(-len(middle) // FEW)]


def of_gate(form: Form, one: str, other: str) -> Form:
    """The same form of another gate."""
    gates = {"ft": "f", "it": "i", "cct": "c", "ot": "o"}
    if one not in gates or other not in gates:
        return form

    def renamed(name: str) -> str:
        old, new = gates[one], gates[other]
        if name == one:
            return other
        if name == f"z{old}":
            return f"z{new}"
        if name.startswith((f"W{old}", f"b{old}")):
            return name[0] + new + name[2:]
        return name

    return replace(form, node=renamed(form.node), source=renamed(form.source), other=renamed(form.other))
