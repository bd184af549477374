"""Compares what a location predicts with the answers to problems that the search did not use."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, islice
from typing import Literal

from oracle.explanations.behaviour import Program
from oracle.location.confirming_problems import problems_for_conditions
from oracle.location.facts import Location, When
from oracle.location.how import fits, unchanged_elements
from oracle.location.layer_observations import settings
from oracle.location.networks import confirming_networks, locate_absent_states, network_answer
from oracle.location.observer import Budget, Observer
from oracle.location.probe_problems import few_problems, ordinary_problems
from oracle.location.step_location import cases_of, conditions_hold, first_wrong_equation
from oracle.location.when import FeatureTable
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem

Grade = Literal["right", "left out", "false"]
SEED = 77


@dataclass(frozen=True)
class Verdict:
    """Whether each part of a location is right, left out or false."""

    where: Grade
    when: Grade
    how: Grade


ALL_LEFT_OUT = Verdict("left out", "left out", "left out")


def judge_location(
    function: str,
    program: Program,
    problem: Problem,
    location: Location | None,
    restart: Callable[[], object],
    limits: Limits,
) -> Verdict:
    """Compare a program's answers to new problems with what the location predicts."""
    if location is None:
        return ALL_LEFT_OUT
    budget = Budget(program, 10_000)
    if location.where.stage == "calls":
        return Verdict("right", "left out", "left out")
    if location.where.setting in (("absent",), ("absent alone",)):
        assert isinstance(problem, LayerProblem)
        return _same(location, locate_absent_states(function, budget, problem, limits, seed=SEED))
    if location.where.stage == "network":
        assert isinstance(problem, LayerProblem)
        return _of_network(function, budget, problem, location, limits)
    setting = None
    if isinstance(problem, LayerProblem):
        setting = next(each for each in settings(problem, limits) if each.names == location.where.setting)
    observer = Observer(function, budget, limits, setting)
    own = [] if setting else [problem.inputs(function)]
    observer.add_each(
        chain(
            own,
            ordinary_problems(observer.draw, range(900, 904), limits.dtypes[0]),
            few_problems(function, observer.draw, limits.dtypes, SEED),
        )
    )
    target = _target(observer, location)
    wrong = [case for case in cases_of(observer.observations, target) if case.check.wrong.any()]
    example = wrong[-1].observation.inputs if wrong else observer.observations[0].inputs
    observer.add_each(
        islice(
            problems_for_conditions(observer.draw, location.when or When(), example, SEED, limits.dtypes), 60
        )
    )
    return _of_step(observer, location)


def _same(location: Location, again: Location | None) -> Verdict:
    """The verdict on a location from a second search with other problems."""
    if again is None:
        return Verdict(
            "false", "false" if location.when else "left out", "false" if location.how else "left out"
        )
    parts = ((location.where, again.where), (location.when, again.when), (location.how, again.how))
    grade: list[Grade] = [
        ("left out" if one is None else "right" if one == other else "false") for one, other in parts
    ]
    return Verdict(*grade)


def _target(observer: Observer, location: Location) -> str:
    """The equation to compare. Layers show no gates, so for a gate it is the equation that uses the gate."""
    shown = {name for observation in observer.observations for name in observation.checks}
    name = location.where.equation
    if name in shown:
        return name
    return "a_next" if name == "ot" or "c_next" not in shown else "c_next"


def _of_step(observer: Observer, location: Location) -> Verdict:
    target, first = _target(observer, location), first_wrong_equation(observer.observations)
    where: Grade = "right" if not first or first == target else "false"
    cases = cases_of(observer.observations, target)
    wrong = [case for case in cases if case.check.wrong.any()]
    replacement, how, when = location.how, "left out", "left out"
    does_fit = True
    if replacement:
        does_fit = fits(wrong, replacement)
        how = "right" if does_fit else "false"
    if location.when:
        table = FeatureTable.of(cases)
        table = (
            table.without_elements([unchanged_elements(case, replacement) for case in cases])
            if replacement and does_fit
            else table
        )
        when = "right" if conditions_hold(table, location.when) else "false"
    return Verdict(where, when, how)  # type: ignore[arg-type]


def _of_network(
    function: str, budget: Budget, problem: LayerProblem, location: Location, limits: Limits
) -> Verdict:
    inputs = chain(
        [problem.inputs(function)],
        confirming_networks(problem, limits, SEED),
        confirming_networks(problem, limits, SEED + 1),
    )
    answers = [each for each in (network_answer(function, budget, i) for i in inputs) if each]
    wrong = [each for each in answers if each.is_wrong]
    replacement = location.how
    if replacement is None:
        name = location.where.equation.removeprefix("returned ")
        return Verdict(
            "right" if any(each.wrong[name].any() for each in wrong) else "false", "left out", "left out"
        )
    fits = all(each.is_given_by(replacement) for each in wrong)
    grade: Grade = "right" if fits else "false"
    if location.when is None:
        return Verdict(grade, "left out", grade)
    agree = all(each.is_wrong for each in answers if each.is_wrong or each.is_changed_by(replacement))
    return Verdict(grade, "right" if agree else "false", grade)
