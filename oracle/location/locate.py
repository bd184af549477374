"""Where, when and how a program is wrong: the order in which it is asked, and what is made of the answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice

import numpy as np

from oracle.diagnosis.behaviour import Program
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.location.absent_states import locate_absent
from oracle.location.calls import kept
from oracle.location.confirming_problems import aimed
from oracle.location.equations import GATES
from oracle.location.facts import Condition, Feature, Form, Location, When, Where
from oracle.location.how import likely, matched, mute, of_gate
from oracle.location.layers import settings
from oracle.location.networks import Answer, answer, locate_in_networks, networks
from oracle.location.observations import Case, Observation
from oracle.location.probe_problems import design, ordinary, scan
from oracle.location.session import Budget, OverError, Session, begun
from oracle.location.when import Table, rule
from oracle.problem import LayerProblem, Problem
from reference.contract import CONTRACTS

ROUNDS = 3
"""How often what was found is held to problems that were not used to find it."""
AIMED = 36
"""How many of those there are at most, each time."""


def locate(
    function: str,
    program: Program,
    problem: Problem,
    anew: Callable[[], object],
    limits: Limits = ANYTHING,
    arranged: Mapping[str, Program] | None = None,
) -> Location | None:
    """Where, when and how a function is wrong; `None` where nothing wrong is found.

    `anew` makes the program forget all calls. `arranged` are the same program, given arguments that lie in
    memory in other ways.
    """
    anew()
    budget = begun(function, program, limits)
    found = _of_layers(function, budget, problem, limits) if isinstance(problem, LayerProblem) else None
    if not isinstance(problem, LayerProblem):
        session = Session(function, budget, limits)
        session.ask_each(chain([problem.inputs(function)], design(function, session.make, limits.dtypes)))
        if _is_right(session):
            return None  # it does not hang on what is asked
        anew()
        if _is_right(session) and (found := kept(function, program, problem, anew, limits)):
            return found
        found = found_in(session)
    for name, other in (arranged or {}).items() if found is None else ():
        budget.program = other
        if found := _arranged(function, budget, problem, anew, limits):
            return found.under(Condition(Feature("arranged", name), "=", 1.0))
    return found


def _arranged(
    function: str, budget: Budget, problem: Problem, anew: Callable[[], object], limits: Limits
) -> Location | None:
    """Where a function is wrong whose arguments lie in memory in another way."""
    anew()
    if isinstance(problem, LayerProblem):
        asked = (
            answer(function, budget, each.inputs(function)) for each in islice(networks(problem, limits), 4)
        )
        answers = [each for each in asked if each]
        if not any(each.is_wrong for each in answers):
            return None
        return locate_in_networks(function, budget, answers, problem, limits) or _in_general(answers)
    session = Session(function, budget, limits)
    session.ask_each(ordinary(session.make, range(2), limits.dtypes[0]))
    if not first_wrong(session.seen):
        return None
    session.ask_each(scan(session.make, limits.dtypes))
    return found_in(session)


def explains(location: Location, function: str, program: Program, problem: Problem, limits: Limits) -> bool:
    """Whether a function is wrong on a problem in the way that was located on another one.

    Of a layer in a setting it is taken for that where the problem has such a layer.
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


def _is_right(session: Session) -> bool:
    """Whether an answer that was wrong is right where it is asked once more."""
    wrong = [each for each in session.seen if each.wrong]
    try:
        again = session.observe(wrong[0].inputs) if wrong else None
    except OverError:
        return False
    return again is not None and not again.wrong


def _of_layers(function: str, budget: Budget, problem: LayerProblem, limits: Limits) -> Location | None:
    """Of whole networks; else of a layer in the simplest setting in which it is wrong."""
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
    return found or _in_general(answers)


def _in_general(answers: Sequence[Answer]) -> Location | None:
    """Which of the arrays that are returned is wrong, where no more is known."""
    wrong = [name for each in answers for name, array in each.wrong.items() if array.any()]
    return Location(Where(f"returned {wrong[0]}", stage="network")) if wrong else None


def found_in(session: Session) -> Location | None:
    """What is made of all that was seen, after it was held to more."""
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
    return said(session, target, form, when)


def _aimed(
    session: Session, target: str, cases: Sequence[Case], when: When | None, seed: int
) -> Iterator[Inputs]:
    """Problems on both sides of the conditions, like one on which the equation is wrong."""
    example = next(c.observation.inputs for c in reversed(cases) if c.observation.held[target].wrong.any())
    return aimed(session.make, when or When(), example, seed, session.limits.dtypes)


def said(session: Session, target: str, form: Form | None, when: When | None) -> Location:
    """The location; of a layer whose gates are not shown, the gate in which the form is."""
    also = others(session.seen, target, form)
    names = session.setting.names if session.setting else ()
    if form and target in ("c_next", "a_next") and target != form.node:
        if form.node == "sigmoid":
            target, also = "ft", ("it", "ot")
        for gate, name in GATES.items():
            if form.node in (name, f"z{gate}", f"b{gate}", f"W{gate}", f"W{gate} concat") and session.setting:
                target = name if form.source != name else target
    return Location(Where(target, kind(session.function), also, names), when, form)


def kind(function: str) -> str:
    """`"rnn"` or `"lstm"`."""
    return CONTRACTS[function].kind


def first_wrong(seen: Sequence[Observation]) -> str:
    """The first equation that does not hold in any answer; empty where all do."""
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
    """The form and the condition that explain the most for the least; `None` for what is not known."""
    found = likely(cases)
    table = Table.of([(case.observation, case.target) for case in cases])
    plain = rule(table, False)
    best: tuple[float, Form | None, When | None] | None = None
    for k, form in enumerate(found):
        when = rule(table.without([mute(case, form) for case in cases]), True)
        if when is not None and plain is not None:
            few = len(when.conditions)
            when = plain if len(plain.conditions) < few or (not few and len(plain.conditions) == 1) else when
        cost = k * 0.3 + (len(when.conditions) if when else 5)
        if best is None or cost < best[0]:
            best = cost, form, when
    if best:
        return best[1], best[2]
    return None, plain


def holds(cases: Sequence[Case], form: Form | None, when: When | None) -> bool:
    """Whether a form and a condition hold of answers: all that is wrong is so, and where it should be."""
    wrong = [case for case in cases if case.observation.held[case.target].wrong.any()]
    if form and wrong and not fits_all(wrong, form):
        return False
    if when is None or not cases:
        return True
    table = Table.of([(case.observation, case.target) for case in cases])
    table = table.without([mute(case, form) for case in cases]) if form else table
    return agrees(table, when)


def fits_all(cases: Sequence[Case], form: Form) -> bool:
    """Whether wrong elements are what a form gives, however few tell."""
    told = failed = 0
    for case in cases:
        count = matched(case, form)
        if count is None:
            return False
        told, failed = told + count[0], failed + count[1]
    return failed <= max(0.002 * told, 1 if told > 50 else 0)


def agrees(table: Table, when: When) -> bool:
    """Whether wrong elements are those that meet the conditions."""
    met = np.ones(len(table.wrong), bool)
    for condition in when.conditions:
        met &= table.met(condition)
    missed = int((table.wrong & ~met).sum())
    extra = int((~table.wrong & met).sum())
    most = 0.01 * max(int(table.wrong.sum()), 1)
    return missed == 0 and extra <= max(most, 1 if table.wrong.sum() > 100 else 0)


def others(seen: Sequence[Observation], target: str, form: Form | None) -> tuple[str, ...]:
    """The other gates that are wrong by the same mistake."""
    if target not in GATES.values():
        return ()
    found = []
    for name in GATES.values():
        if name == target:
            continue
        cases = [case for case in cases_of(seen, name) if case.observation.held[name].wrong.any()]
        if cases and (form is None or fits_all(cases, of_gate(form, target, name))):
            found.append(name)
    return tuple(found)
