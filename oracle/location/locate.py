"""Locate an unlisted mistake: which problems to ask, in which order, and what follows from the answers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location.absent_states import locate_absent
from oracle.location.calls import kept
from oracle.location.confirming_problems import aimed
from oracle.location.facts import Form, Location, When, Where
from oracle.location.how import fits, likely, of_gate, unchanged_by
from oracle.location.layers import settings
from oracle.location.networks import Answer, answer, locate_in_networks, networks
from oracle.location.observations import Case, Observation
from oracle.location.probe_problems import design, scan
from oracle.location.session import Budget, OverError, Session, begun
from oracle.location.when import Table, rule
from oracle.problem import LayerProblem, Problem
from oracle.step import GATES
from reference.contract import CONTRACTS

ROUNDS = 3
"""How many times a location is compared with new problems and corrected."""
AIMED = 36
"""The most new problems in each round."""

MANY = 0.05
"""The part of the elements to which a form gives the right value, from which on a location says so."""


def locate(
    function: str, program: Program, problem: Problem, anew: Callable[[], object], limits: Limits = ANYTHING
) -> Location | None:
    """Find where, when and how a function is wrong; `None` where every answer is right.

    `anew` makes the program forget all earlier calls.
    """
    anew()
    budget = begun(function, program, limits)
    if isinstance(problem, LayerProblem):
        return _locate_in_layers(function, budget, problem, limits)
    session = Session(function, budget, limits)
    session.ask_each(chain([problem.inputs(function)], design(function, session.make, limits.dtypes)))
    if _is_right_again(session):
        return None  # the answer does not depend on the question alone
    anew()
    if _is_right_again(session) and (found := kept(function, program, problem, anew, limits)):
        return found
    return found_in(session)


def explains(location: Location, function: str, program: Program, problem: Problem, limits: Limits) -> bool:
    """Whether a location that was found on one problem holds of another problem, too.

    A location in a setting of a layer holds where the problem has such a layer.
    """
    if not location.alone:
        return False
    form, when = location.how, location.when
    budget = begun(function, program, limits)
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
    """Whether the second answer to a problem is right whose first answer was wrong."""
    wrong = [each for each in session.seen if each.wrong]
    try:
        again = session.observe(wrong[0].inputs) if wrong else None
    except OverError:
        return False
    return again is not None and not again.wrong


def _locate_in_layers(
    function: str, budget: Budget, problem: LayerProblem, limits: Limits
) -> Location | None:
    """Look at whole networks; else at one layer in the simplest setting in which it is wrong."""
    like = [replace(problem, seed=problem.seed + k) for k in range(3)]
    asked = (
        answer(function, budget, each.inputs(function)) for each in chain(like, networks(problem, limits))
    )
    answers = [each for each in asked if each]
    if found := locate_in_networks(function, budget, answers, problem, limits):
        return found
    for setting in settings(problem, limits) if not problem.weights else ():
        session = Session(function, budget, limits, setting)
        own = {"n_x": problem.n_x, "n_a": problem.n_a, "n_y": 1, "m": problem.m, "T_x": problem.T_x}
        alike = (session.make(**own, seed=k, regime="unit", dtype=limits.dtypes[0]) for k in range(2))
        if not session.ask_each(chain(alike, scan(session.make, limits.dtypes))):
            break
        if first_wrong(session.seen):
            session.ask_each(design(function, session.make, limits.dtypes))
            return found_in(session)
    is_right = limits.initial_state and not any(each.is_wrong for each in answers)
    found = locate_absent(function, budget, problem, limits) if is_right else None
    return found or _first_wrong_output(answers)


def _first_wrong_output(answers: Sequence[Answer]) -> Location | None:
    wrong = [name for each in answers for name, array in each.wrong.items() if array.any()]
    return Location(Where(f"returned {wrong[0]}", stage="network")) if wrong else None


def found_in(session: Session) -> Location | None:
    """The location that explains all answers of a session, after new problems have confirmed it."""
    target = first_wrong(session.seen)
    if not target:
        return None
    when: When | None = None
    form: Form | None = None
    for seed in range(ROUNDS):
        cases = cases_of(session.seen, target)
        form, when = explained(cases)
        if form is None and session.setting and not session.is_strict:
            session.strictly()
            target = first_wrong(session.seen) or target
            cases = cases_of(session.seen, target)
            form, when = explained(cases)
        if when is None and form is None:
            break
        count = len(session.seen)
        is_asked = session.ask_each(islice(_aimed(session, target, cases, when, seed + 1), AIMED))
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


def _aimed(
    session: Session, target: str, cases: Sequence[Case], when: When | None, seed: int
) -> Iterator[Inputs]:
    """Problems on both sides of the conditions, like one on which the equation is wrong."""
    example = next(c.observation.inputs for c in reversed(cases) if c.observation.held[target].wrong.any())
    return aimed(session.make, when or When(), example, seed, session.limits.dtypes)


def _location(session: Session, target: str, form: Form | None, when: When | None) -> Location:
    """The location; for a layer, which does not show its gates, the gate that the form changes."""
    also = _other_gates(session.seen, target, form)
    names = session.setting.names if session.setting else ()
    if form and target in ("c_next", "a_next") and target != form.node:
        if form.node == "sigmoid":
            target, also = "ft", ("it", "ot")
        for gate, name in GATES.items():
            if form.node in (name, f"z{gate}", f"b{gate}", f"W{gate}", f"W{gate} concat") and session.setting:
                target = name if form.source != name else target
    return Location(Where(target, CONTRACTS[session.function].kind, also, names), when, form)


def first_wrong(seen: Sequence[Observation]) -> str:
    """The first equation that does not hold in some answer; empty where all hold."""
    order: list[str] = []
    for observation in seen:
        order += [name for name in observation.held if name not in order]
    wrong = {name for observation in seen for name in observation.wrong}
    ordered = sorted(
        wrong, key=lambda name: (name.startswith("cached"), name.startswith("returned"), order.index(name))
    )
    return ordered[0] if ordered else ""


def cases_of(seen: Sequence[Observation], target: str) -> list[Case]:
    """The answers that show an equation."""
    return [Case(observation, target) for observation in seen if target in observation.held]


def explained(cases: Sequence[Case]) -> tuple[Form | None, When | None]:
    """The form and the conditions that together explain the wrong elements at the least cost.

    Each is `None` where it is not known.
    """
    table = Table.of([(case.observation, case.target) for case in cases])
    plain = rule(table, False)
    best: tuple[float, Form | None, When | None] | None = None
    for k, form in enumerate(likely(cases)):
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
    """Whether the form gives all wrong elements, and just those are wrong that meet the conditions."""
    wrong = [case for case in cases if case.observation.held[case.target].wrong.any()]
    if form and wrong and not fits(wrong, form):
        return False
    if when is None or not cases:
        return True
    table = Table.of([(case.observation, case.target) for case in cases])
    return agrees(table.without([unchanged_by(case, form) for case in cases]) if form else table, when)


def agrees(table: Table, when: When) -> bool:
    """Whether just those elements are wrong that meet the conditions; a few may be right by chance."""
    met = np.ones(len(table.wrong), bool)
    for condition in when.conditions:
        met &= table.met(condition)
    count = int(table.wrong.sum())
    extra = int((~table.wrong & met).sum())
    return not (table.wrong & ~met).any() and extra <= max(0.01 * max(count, 1), 1 if count > 100 else 0)


def _other_gates(seen: Sequence[Observation], target: str, form: Form | None) -> tuple[str, ...]:
    """The other gates that are wrong by the same mistake."""
    found = []
    for name in GATES.values() if target in GATES.values() else ():
        cases = [case for case in cases_of(seen, name) if case.observation.held[name].wrong.any()]
        if name != target and cases and (form is None or fits(cases, of_gate(form, target, name))):
            found.append(name)
    return tuple(found)
