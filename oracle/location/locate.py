"""Locate a mistake that is not in the catalogue: ask problems, find a location, and confirm it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.limits import ANYTHING, Limits
from oracle.location.absent_states import locate_absent
from oracle.location.confirming_problems import problems_beside
from oracle.location.facts import Form, Location, When, Where
from oracle.location.how import fits, fitting_forms, for_gate, unchanged_by
from oracle.location.layers import settings
from oracle.location.networks import answer, locate_in_networks, networks
from oracle.location.observations import Case, Observation
from oracle.location.probe_problems import design, scan
from oracle.location.session import Budget, BudgetSpentError, Session, within_budget
from oracle.location.when import Table, rule
from oracle.problem import LayerProblem, Problem
from oracle.step import GATES
from reference.contract import CONTRACTS

ROUNDS = 3
"""The number of times that new problems confirm or correct a location."""
CONFIRMING = 36
"""The largest number of new problems in each round."""

MANY = 0.05
"""If a form gives the right value to a larger part of the elements, the location says so."""


def locate(
    function: str, program: Program, problem: Problem, anew: Callable[[], object], limits: Limits = ANYTHING
) -> Location | None:
    """Find where, when and how a function is wrong; `None` if every answer is right.

    `anew` makes the program forget all earlier calls.
    """
    anew()
    budget = within_budget(function, program, limits)
    if isinstance(problem, LayerProblem):
        return _locate_in_layers(function, budget, problem, limits)
    session = Session(function, budget, limits)
    session.ask_each(chain([problem.inputs(function)], design(function, session.draw, limits.dtypes)))
    if _is_right_again(session):
        return None  # the answers depend on more than the arguments
    anew()
    if _is_right_again(session):
        return Location(Where("answer", stage="calls"), alone=False)
    return located_in(session)


def explains(location: Location, function: str, program: Program, problem: Problem, limits: Limits) -> bool:
    """Whether a location that was found for one problem explains another problem, too.

    A location in a setting of a layer explains each problem that has such a layer.
    """
    if not location.alone:
        return False
    form, when = location.how, location.when
    budget = within_budget(function, program, limits)
    if isinstance(problem, LayerProblem):
        if location.where.stage == "step":
            return any(each.names == location.where.setting for each in settings(problem, limits))
        found = answer(function, budget, problem.inputs(function))
        return found is not None and found.is_wrong and form is not None and found.is_given_by(form)
    session = Session(function, budget, limits)
    session.ask(problem.inputs(function))
    if first_wrong(session.seen) != location.where.equation:
        return False
    return holds(cases_of(session.seen, location.where.equation), form, when)


def _is_right_again(session: Session) -> bool:
    """Whether a problem with a wrong first answer has a right second answer."""
    wrong = [each for each in session.seen if each.wrong]
    try:
        again = session.observe(wrong[0].inputs) if wrong else None
    except BudgetSpentError:
        return False
    return again is not None and not again.wrong


def _locate_in_layers(
    function: str, budget: Budget, problem: LayerProblem, limits: Limits
) -> Location | None:
    """Look at whole networks; if none of their mistakes fits, at one layer in the simplest wrong setting."""
    like = [replace(problem, seed=problem.seed + k) for k in range(3)]
    every = (each.inputs(function) for each in chain(like, networks(problem, limits)))
    answers = [found for inputs in every if (found := answer(function, budget, inputs))]
    if in_networks := locate_in_networks(function, budget, answers, problem, limits):
        return in_networks
    for setting in settings(problem, limits) if not problem.weights else ():
        session = Session(function, budget, limits, setting)
        own = {"n_x": problem.n_x, "n_a": problem.n_a, "m": problem.m, "T_x": problem.T_x}
        alike = (session.draw(**own, seed=k, regime="unit", dtype=limits.dtypes[0]) for k in range(2))
        if not session.ask_each(chain(alike, scan(session.draw, limits.dtypes))):
            break
        if first_wrong(session.seen):
            session.ask_each(design(function, session.draw, limits.dtypes))
            return located_in(session)
    wrong = [name for each in answers for name, array in each.wrong.items() if array.any()]
    if wrong:
        return Location(Where(f"returned {wrong[0]}", stage="network"))
    return locate_absent(function, budget, problem, limits) if limits.initial_state else None


def located_in(session: Session) -> Location | None:
    """The location that explains all answers of a session, after new problems have confirmed it."""
    target = first_wrong(session.seen)
    if not target:
        return None
    limits = session.limits
    when: When | None = None
    form: Form | None = None
    for seed in range(ROUNDS):
        cases = cases_of(session.seen, target)
        form, when = explained(cases)
        if when is None and form is None:
            break
        count = len(session.seen)
        example = next(c.observation.inputs for c in reversed(cases) if c.check.wrong.any())
        new = problems_beside(session.draw, when or When(), example, seed + 1, limits.dtypes)
        is_asked = session.ask_each(islice(new, CONFIRMING))
        if (earlier := first_wrong(session.seen)) != target and earlier:
            target = earlier
            continue
        fresh = cases_of(session.seen[count:], target)
        if is_asked and holds(fresh, form, when):
            break
        if not is_asked:
            form, when = explained(cases_of(session.seen, target))
            break
    else:
        form = form if holds(fresh, form, None) else None
        when = when if holds(fresh, form, when) else None
    return _location(session, target, form, when)


def _location(session: Session, target: str, form: Form | None, when: When | None) -> Location:
    """The location. A layer does not show its gates, so its location names the gate that the form changes."""
    also = _other_gates(session.seen, target, form)
    names = session.setting.names if session.setting else ()
    if form and target in ("c_next", "a_next") and target != form.node:
        for gate, name in GATES.items():
            if form.node in (name, f"z{gate}", f"b{gate}", f"W{gate}", f"W{gate} concat") and session.setting:
                target = name if form.source != name else target
    return Location(Where(target, CONTRACTS[session.function].kind, also, names), when, form)


def first_wrong(seen: Sequence[Observation]) -> str:
    """The first equation that does not hold in some answer; empty if all hold."""
    order: list[str] = []
    for observation in seen:
        order += [name for name in observation.checks if name not in order]
    wrong = {name for observation in seen for name in observation.wrong}
    ordered = sorted(
        wrong, key=lambda name: (name.startswith("cached"), name.startswith("returned"), order.index(name))
    )
    return ordered[0] if ordered else ""


def cases_of(seen: Sequence[Observation], target: str) -> list[Case]:
    """The answers in which an equation can be checked."""
    return [Case(observation, target) for observation in seen if target in observation.checks]


def explained(cases: Sequence[Case]) -> tuple[Form | None, When | None]:
    """The form and the conditions that explain the wrong elements at the least cost; `None` if not known."""
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
    """Whether the form gives all wrong elements, and exactly the elements under the conditions are wrong."""
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


def _other_gates(seen: Sequence[Observation], target: str, form: Form | None) -> tuple[str, ...]:
    """The other gates with the same mistake."""
    found = []
    for name in GATES.values() if target in GATES.values() else ():
        cases = [case for case in cases_of(seen, name) if case.observation.checks[name].wrong.any()]
        if name != target and cases and (form is None or fits(cases, for_gate(form, target, name))):
            found.append(name)
    return tuple(found)
