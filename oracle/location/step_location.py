"""Locates a mistake in the steps from observations, and confirms the location on new problems."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from oracle.location.confirming_problems import problems_for_conditions
from oracle.location.facts import Location, Replacement, When, Where
from oracle.location.how import fits, fitting_replacements, replacement_for_gate, unchanged_elements
from oracle.location.observations import EquationCase, Observation
from oracle.location.observer import Observer
from oracle.location.when import FeatureTable, cheapest_conditions
from oracle.network.cells import GATES
from reference.contract import CONTRACTS

ROUNDS = 3
"""The largest number of rounds. In each round, new problems confirm or correct the location."""
MOST_CONFIRMING = 36
"""The largest number of new problems in each round."""

MANY_UNCHANGED = 0.05
"""`When.has_unchanged` is set if the replacement gives the right value for a larger part of the elements."""


def locate_in_steps(observer: Observer) -> Location | None:
    """The location that explains all observations, confirmed on new problems; `None` if nothing is wrong."""
    target = first_wrong_equation(observer.observations[:1]) or first_wrong_equation(observer.observations)
    if not target:
        return None
    for seed in range(ROUNDS):
        cases = cases_of(observer.observations, target)
        replacement, when = replacement_and_conditions(cases)
        if when is None and replacement is None:
            break
        count = len(observer.observations)
        example = next(c.observation.inputs for c in reversed(cases) if c.check.wrong.any())
        dtypes = observer.limits.dtypes
        new = problems_for_conditions(observer.draw, when or When(), example, seed + 1, dtypes)
        is_complete = observer.add_each(islice(new, MOST_CONFIRMING))
        earlier_target, target = target, first_wrong_equation(observer.observations) or target
        if target != earlier_target:
            continue
        if not is_complete:
            replacement, when = replacement_and_conditions(cases_of(observer.observations, target))
            break
        if location_holds(cases_of(observer.observations[count:], target), replacement, when):
            break
    else:
        new_cases = cases_of(observer.observations[count:], target)
        replacement = replacement if location_holds(new_cases, replacement, None) else None
        when = when if location_holds(new_cases, replacement, when) else None
    if sum(case.check.wrong.any() for case in cases_of(observer.observations, target)) == 1:
        when = None  # conditions that one answer meets may be chance
    return _location(observer, target, replacement, when)


def _location(
    observer: Observer, target: str, replacement: Replacement | None, when: When | None
) -> Location:
    """Build the location. In layers, it names the gate of the replacement in place of the wrong state."""
    also, setting = _other_gates(observer.observations, target, replacement), observer.setting
    if setting and replacement and target in ("c_next", "a_next") and target != replacement.node:
        for gate, name in GATES.items():
            nodes = (name, f"z{gate}", f"b{gate}", f"W{gate}", f"W{gate} concat")
            if replacement.node in nodes and replacement.source != name:
                target = name
    where = Where(target, CONTRACTS[observer.function].kind, also, setting.names if setting else ())
    return Location(where, when, replacement)


def first_wrong_equation(observations: Sequence[Observation]) -> str:
    """The name of the first equation that does not hold in an observation; empty if all equations hold."""
    order = [*dict.fromkeys(name for each in observations for name in each.checks)]

    def rank(name: str) -> tuple[bool, bool, int]:
        return name.startswith("cached"), name.startswith("returned"), order.index(name)

    return min((name for each in observations for name in each.wrong), key=rank, default="")


def cases_of(observations: Sequence[Observation], target: str) -> list[EquationCase]:
    """One equation in all observations that have a check of it."""
    return [EquationCase(observation, target) for observation in observations if target in observation.checks]


def replacement_and_conditions(cases: Sequence[EquationCase]) -> tuple[Replacement | None, When | None]:
    """The cheapest replacement and conditions that explain the wrong elements; `None` if unknown."""
    table = FeatureTable.of(cases)
    plain = cheapest_conditions(table, False)
    best: tuple[float, Replacement | None, When | None] | None = None
    for k, replacement in enumerate(fitting_replacements(cases)):
        unchanged = [unchanged_elements(case, replacement) for case in cases]
        when = cheapest_conditions(table.without_elements(unchanged), True)
        if when is not None and plain is not None:
            # (0, 1): one condition says more than "wherever the replacement changes a value".
            count, plain_count = len(when.conditions), len(plain.conditions)
            when = plain if plain_count < count or (count, plain_count) == (0, 1) else when
        if when is not None:
            part = sum(map(np.sum, unchanged)) / max(sum(each.size for each in unchanged), 1)
            when = replace(when, has_unchanged=bool(part > MANY_UNCHANGED))
        cost = k * 0.3 + (len(when.conditions) if when else 5)
        if best is None or cost < best[0]:
            best = cost, replacement, when
    return best[1:] if best else (None, plain)


def location_holds(cases: Sequence[EquationCase], replacement: Replacement | None, when: When | None) -> bool:
    """Whether the replacement gives all wrong elements, and exactly these elements meet the conditions."""
    wrong = [case for case in cases if case.check.wrong.any()]
    if replacement and wrong and not fits(wrong, replacement):
        return False
    if when is None or not cases:
        return True
    table = FeatureTable.of(cases)
    if replacement:
        table = table.without_elements([unchanged_elements(case, replacement) for case in cases])
    return conditions_hold(table, when)


def conditions_hold(table: FeatureTable, when: When) -> bool:
    """Whether all wrong elements and almost no right elements meet the conditions."""
    met = np.ones(len(table.wrong), bool)
    for condition in when.conditions:
        met &= table.elements_meeting(condition)
    return not (table.wrong & ~met).any() and (~table.wrong & met).sum() <= 0.01 * table.wrong.sum()


def _other_gates(
    observations: Sequence[Observation], target: str, replacement: Replacement | None
) -> tuple[str, ...]:
    """The other gates with the same mistake, if `target` is a gate."""
    return tuple(
        name
        for name in GATES.values()
        if target in GATES.values() and name != target
        if (cases := [case for case in cases_of(observations, name) if case.check.wrong.any()])
        and (replacement is None or fits(cases, replacement_for_gate(replacement, target, name)))
    )
