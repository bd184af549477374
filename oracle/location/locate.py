"""Locates a mistake that is not in the catalogue, and confirms the location, by calls of the function."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from oracle.diagnosis.behaviour import Program
from oracle.limits import ANYTHING, Limits
from oracle.location.absent_states import locate_absent
from oracle.location.facts import Location, Where
from oracle.location.layers import settings
from oracle.location.networks import Answer, answer, locate_in_networks, networks
from oracle.location.probe_problems import all_problems, few_problems
from oracle.location.session import Budget, BudgetSpentError, Session, within_budget
from oracle.location.step_location import cases_of, first_wrong, holds, located_in
from oracle.problem import LayerProblem, Problem

AFTER_CALLS = Location(Where("answer", stage="calls"), alone=False)
"""The location of a program that is wrong only after earlier calls, or by chance."""


def locate(
    function: str,
    program: Program,
    problem: Problem,
    restart: Callable[[], object],
    limits: Limits = ANYTHING,
) -> Location | None:
    """Find where, when and how a function is wrong.

    `None` if no answer is wrong, or if a wrong answer is right in a second call. `restart` starts the program
    again, so that earlier calls have no effect.
    """
    restart()
    budget = within_budget(function, program, limits)
    if isinstance(problem, LayerProblem):
        return _locate_in_layers(function, budget, problem, restart, limits)
    session = Session(function, budget, limits)
    session.add_each(chain([problem.inputs(function)], all_problems(function, session.draw, limits.dtypes)))
    return _located_if_repeatable(session, restart)


def explains(location: Location, function: str, program: Program, problem: Problem, limits: Limits) -> bool:
    """Whether a known location explains another problem, too.

    A location in a setting explains every problem with a layer in this setting.
    """
    if not location.alone:
        return False
    form, when = location.how, location.when
    budget = within_budget(function, program, limits)
    if isinstance(problem, LayerProblem):
        if location.where.stage == "step" or (form is None and location.where.setting):
            return any(each.names == location.where.setting for each in settings(problem, limits))
        found = answer(function, budget, problem.inputs(function))
        return found is not None and found.is_wrong and form is not None and found.is_given_by(form)
    session = Session(function, budget, limits)
    session.add_each([problem.inputs(function)])
    if first_wrong(session.observations) != location.where.equation:
        return False
    return holds(cases_of(session.observations, location.where.equation), form, when)


def _located_if_repeatable(session: Session, restart: Callable[[], object]) -> Location | None:
    """The location for the observations of a session, if a wrong answer is wrong again."""
    if _is_right_again(session):
        return None  # the answers depend on more than the arguments
    restart()
    return AFTER_CALLS if _is_right_again(session) else located_in(session)


def _is_right_again(session: Session) -> bool:
    """Whether the answer to a problem was wrong at first and is right in a second call."""
    wrong = [each for each in session.observations if each.wrong]
    try:
        again = session.observe(wrong[0].inputs) if wrong else None
    except BudgetSpentError:
        return False
    return again is not None and not again.wrong


def _is_other_again(function: str, program: Program, first: Answer) -> bool:
    """Whether a network gives another answer to the same arguments in a further call."""
    again = answer(function, program, first.inputs)
    return again is not None and not again.is_close_to(first)


def _locate_in_layers(
    function: str, budget: Budget, problem: LayerProblem, restart: Callable[[], object], limits: Limits
) -> Location | None:
    """Locate a mistake around the steps, or else a mistake in the steps, in the simplest wrong setting."""
    like = [replace(problem, seed=problem.seed + k) for k in range(3)]
    every = (each.inputs(function) for each in chain(like, networks(problem, limits)))
    answers = [found for inputs in every if (found := answer(function, budget, inputs))]
    wrong_answer = next((each for each in answers if each.is_wrong), None)
    if wrong_answer:
        if _is_other_again(function, budget, wrong_answer):
            return None  # the answers depend on more than the arguments
        restart()
        if _is_other_again(function, budget, wrong_answer):
            return AFTER_CALLS
    if in_networks := locate_in_networks(function, budget, answers, problem, limits):
        return in_networks
    wrong_in: tuple[str, ...] = ()
    for setting in settings(problem, limits) if not problem.weights else ():
        session = Session(function, budget, limits, setting)
        own = {"n_x": problem.n_x, "n_a": problem.n_a, "m": problem.m, "T_x": problem.T_x}
        alike = (session.draw(**own, seed=k, regime="unit", dtype=limits.dtypes[0]) for k in range(2))
        if not session.add_each(chain(alike, few_problems(function, session.draw, limits.dtypes))):
            break
        if first_wrong(session.observations):
            session.add_each(all_problems(function, session.draw, limits.dtypes))
            location = _located_if_repeatable(session, restart)
            if location and not location.how and setting.ended:
                wrong_in = setting.names  # the steps are right without lengths, so no equation is at fault
                break
            return location
    wrong = [name for each in answers for name, array in each.wrong.items() if array.any()]
    if wrong:
        return Location(Where(f"returned {wrong[0]}", setting=wrong_in, stage="network"))
    return locate_absent(function, budget, problem, limits) if limits.initial_state else None
