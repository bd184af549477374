"""Calls a function to locate a mistake that is not in the catalogue."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from oracle.diagnosis.behaviour import Program
from oracle.location.facts import Location, Where
from oracle.location.layer_observations import settings
from oracle.location.networks import (
    NetworkAnswer,
    locate_absent_states,
    locate_in_networks,
    network_answer,
    networks,
)
from oracle.location.observer import Budget, BudgetSpentError, Observer
from oracle.location.probe_problems import all_problems, few_problems
from oracle.location.step_location import cases_of, first_wrong_equation, locate_in_steps, location_holds
from oracle.problems.limits import ANYTHING, Limits
from oracle.problems.problem import LayerProblem, Problem

AFTER_CALLS = Location(Where("answer", stage="calls"))
"""The location if a function is wrong only after earlier calls, or by chance."""


def locate(
    function: str,
    program: Program,
    problem: Problem,
    restart: Callable[[], object],
    limits: Limits = ANYTHING,
) -> Location | None:
    """Find where, when and how a function is wrong.

    `None` if no answer is wrong, or if a wrong answer is right in a second call. `restart` starts the program
    anew, so that earlier calls have no effect.
    """
    restart()
    budget = Budget.of(function, program)
    if isinstance(problem, LayerProblem):
        return _locate_in_layers(function, budget, problem, restart, limits)
    observer = Observer(function, budget, limits)
    observer.add_each(chain([problem.inputs(function)], all_problems(function, observer.draw, limits.dtypes)))
    if _is_right_when_repeated(observer):
        return None  # equal arguments have different answers
    restart()
    return AFTER_CALLS if _is_right_when_repeated(observer) else locate_in_steps(observer)


def explains(location: Location, function: str, program: Program, problem: Problem, limits: Limits) -> bool:
    """Whether a known location explains the answer to another problem, too.

    A location in the steps of layers explains every problem whose settings include the location's setting.
    """
    if location.where.stage == "calls":
        return False
    replacement, when = location.how, location.when
    budget = Budget.of(function, program)
    if isinstance(problem, LayerProblem):
        if location.where.stage == "step" or (replacement is None and location.where.setting):
            return any(each.names == location.where.setting for each in settings(problem, limits))
        found = network_answer(function, budget, problem.inputs(function))
        return bool(found and found.is_wrong and replacement and found.is_given_by(replacement))
    observer = Observer(function, budget, limits)
    observer.add_each([problem.inputs(function)])
    if first_wrong_equation(observer.observations) != location.where.equation:
        return False
    return location_holds(cases_of(observer.observations, location.where.equation), replacement, when)


def _is_right_when_repeated(observer: Observer) -> bool:
    """Whether the answer to a problem was wrong at first and is right in a second call."""
    wrong = [each for each in observer.observations if each.wrong]
    try:
        again = observer.observe(wrong[0].inputs) if wrong else None
    except BudgetSpentError:
        return False
    return again is not None and not again.wrong


def _differs_when_repeated(function: str, program: Program, first: NetworkAnswer) -> bool:
    """Whether a network gives another answer in a second call with the same arguments."""
    again = network_answer(function, program, first.inputs)
    return again is not None and not again.is_close_to(first)


def _locate_in_layers(
    function: str, budget: Budget, problem: LayerProblem, restart: Callable[[], object], limits: Limits
) -> Location | None:
    """Locate a mistake outside the steps, or else a mistake in the steps of the simplest wrong setting."""
    like = [replace(problem, seed=problem.seed + k) for k in range(3)]
    every = (each.inputs(function) for each in chain(like, networks(problem, limits)))
    answers = [found for inputs in every if (found := network_answer(function, budget, inputs))]
    wrong_answer = next((each for each in answers if each.is_wrong), None)
    if wrong_answer:
        if _differs_when_repeated(function, budget, wrong_answer):
            return None  # equal arguments have different answers
        restart()
        if _differs_when_repeated(function, budget, wrong_answer):
            return AFTER_CALLS
    if in_networks := locate_in_networks(function, budget, answers, problem, limits):
        return in_networks
    wrong_in: tuple[str, ...] = ()
    wrong = {name for each in answers for name, array in each.wrong.items() if array.any()}
    for setting in settings(problem, limits) if not problem.weights else ():
        observer = Observer(function, budget, limits, setting)
        own = {"n_x": problem.n_x, "n_a": problem.n_a, "m": problem.m, "T_x": problem.T_x}
        alike = (observer.draw(**own, seed=k, regime="unit", dtype=limits.dtypes[0]) for k in range(2))
        if not observer.add_each(chain(alike, few_problems(function, observer.draw, limits.dtypes))):
            break
        if first_wrong_equation(observer.observations):
            observer.add_each(all_problems(function, observer.draw, limits.dtypes))
            location = locate_in_steps(observer)
            if location and not location.how and (setting.ended or setting.layers > 1 or wrong == {"a"}):
                # The equations hold without lengths, in one layer, or in the last step: they are right.
                wrong_in = setting.names
                break
            return location
    if wrong:
        return Location(Where(f"returned {min(wrong)}", setting=wrong_in, stage="network"))
    may_be_absent = limits.initial_state and limits.absent_states
    return locate_absent_states(function, budget, problem, limits) if may_be_absent else None
