"""Locates a mistake in the steps from the observations of a session, and confirms the location."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from oracle.location.confirming_problems import problems_beside
from oracle.location.facts import Form, Location, When, Where
from oracle.location.how import fits, fitting_forms, for_gate, unchanged_by
from oracle.location.observations import Case, Observation
from oracle.location.session import Session
from oracle.location.when import Table, rule
from oracle.step import GATES
from reference.contract import CONTRACTS

ROUNDS = 3
"""The largest number of rounds, in each of which new problems confirm or correct the location."""
CONFIRMING = 36
"""The largest number of new problems in each round."""

MANY = 0.05
"""If a form gives the right value for a larger part of the elements, `When.has_unchanged` is set."""


def located_in(session: Session) -> Location | None:
    """The location that explains all observations of a session, confirmed by new problems."""
    target = first_wrong(session.observations[:1]) or first_wrong(session.observations)
    if not target:
        return None
    limits = session.limits
    when: When | None = None
    form: Form | None = None
    for seed in range(ROUNDS):
        cases = cases_of(session.observations, target)
        form, when = explained(cases)
        if when is None and form is None:
            break
        count = len(session.observations)
        example = next(c.observation.inputs for c in reversed(cases) if c.check.wrong.any())
        new = problems_beside(session.draw, when or When(), example, seed + 1, limits.dtypes)
        is_complete = session.add_each(islice(new, CONFIRMING))
        if (earlier := first_wrong(session.observations)) != target and earlier:
            target = earlier
            continue
        new_cases = cases_of(session.observations[count:], target)
        if is_complete and holds(new_cases, form, when):
            break
        if not is_complete:
            form, when = explained(cases_of(session.observations, target))
            break
    else:
        form = form if holds(new_cases, form, None) else None
        when = when if holds(new_cases, form, when) else None
    if sum(case.check.wrong.any() for case in cases_of(session.observations, target)) == 1:
        when = None  # conditions that one answer meets may be chance
    return _location(session, target, form, when)


def _location(session: Session, target: str, form: Form | None, when: When | None) -> Location:
    """Build the location. For layers, which do not show gates, it names the gate that the form changes."""
    also = _other_gates(session.observations, target, form)
    names = session.setting.names if session.setting else ()
    if form and target in ("c_next", "a_next") and target != form.node:
        for gate, name in GATES.items():
            if form.node in (name, f"z{gate}", f"b{gate}", f"W{gate}", f"W{gate} concat") and session.setting:
                target = name if form.source != name else target
    return Location(Where(target, CONTRACTS[session.function].kind, also, names), when, form)


def first_wrong(observations: Sequence[Observation]) -> str:
    """The name of the first equation that does not hold in some observation; empty if all equations hold."""
    order: list[str] = []
    for observation in observations:
        order += [name for name in observation.checks if name not in order]
    wrong = {name for observation in observations for name in observation.wrong}
    ordered = sorted(
        wrong, key=lambda name: (name.startswith("cached"), name.startswith("returned"), order.index(name))
    )
    return ordered[0] if ordered else ""


def cases_of(observations: Sequence[Observation], target: str) -> list[Case]:
    """The observations that have a check of an equation."""
    return [Case(observation, target) for observation in observations if target in observation.checks]


def explained(cases: Sequence[Case]) -> tuple[Form | None, When | None]:
    """The cheapest form and conditions that explain the wrong elements; `None` for an unknown part."""
    table = Table.of([(case.observation, case.target) for case in cases])
    plain = rule(table, False)
    best: tuple[float, Form | None, When | None] | None = None
    for k, form in enumerate(fitting_forms(cases)):
        unchanged = [unchanged_by(case, form) for case in cases]
        when = rule(table.without(unchanged), True)
        if when is not None and plain is not None:
            few = len(when.conditions)
            when = plain if len(plain.conditions) < few or (not few and len(plain.conditions) == 1) else when
        if when is not None:
            part = sum(map(np.sum, unchanged)) / max(sum(each.size for each in unchanged), 1)
            when = replace(when, has_unchanged=bool(part > MANY))
        cost = k * 0.3 + (len(when.conditions) if when else 5)
        if best is None or cost < best[0]:
            best = cost, form, when
    return best[1:] if best else (None, plain)


def holds(cases: Sequence[Case], form: Form | None, when: When | None) -> bool:
    """Whether the form gives all wrong elements, and the conditions hold for the wrong elements alone."""
    wrong = [case for case in cases if case.check.wrong.any()]
    if form and wrong and not fits(wrong, form):
        return False
    if when is None or not cases:
        return True
    table = Table.of([(case.observation, case.target) for case in cases])
    return agrees(table.without([unchanged_by(case, form) for case in cases]) if form else table, when)


def agrees(table: Table, when: When) -> bool:
    """Whether exactly the elements that meet the conditions are wrong; a few may be right by chance."""
    met = np.ones(len(table.wrong), bool)
    for condition in when.conditions:
        met &= table.met(condition)
    count = int(table.wrong.sum())
    extra = int((~table.wrong & met).sum())
    return not (table.wrong & ~met).any() and extra <= max(0.01 * max(count, 1), 1 if count > 100 else 0)


def _other_gates(observations: Sequence[Observation], target: str, form: Form | None) -> tuple[str, ...]:
    """The other gates with the same mistake."""
    found = []
    for name in GATES.values() if target in GATES.values() else ():
        cases = [case for case in cases_of(observations, name) if case.observation.checks[name].wrong.any()]
        if name != target and cases and (form is None or fits(cases, for_gate(form, target, name))):
            found.append(name)
    return tuple(found)
