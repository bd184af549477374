"""Explains why a law does not hold: by an earlier explanation, or by a search in a new process.

The search goes through the catalogue of mistakes, then locates the mistake, or else says what is wrong.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.names import accounts_for, diagnose
from oracle.diagnosis.questions import Scope
from oracle.diagnosis.traces import flushes, right_digits, side_effect, symptoms
from oracle.limits import Limits
from oracle.location.facts import Condition, Feature, Location
from oracle.location.locate import explains, locate
from oracle.location.sentences import lines
from oracle.problem import LayerProblem, Problem
from properties.explanations.inheritance import (
    follows_wrong_forward,
    is_inherited,
    is_inherited_in_its_precision,
)
from properties.explanations.program import DiedError, Program, behaviour
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial
from reference.contract import CONTRACTS

LARGE = 30
"""The largest input of ordinary problems; larger inputs may overflow."""


@dataclass(frozen=True)
class Explanation:
    """The findings on a failure, the best first: mistakes of the catalogue, or a location, or what is wrong.

    `inherited` says whether only the cell, or for gradients the forward pass, is wrong. `shows_alone` says
    whether the answer to the problem is wrong in a new process, too.
    """

    findings: Sequence[Finding] = ()
    inherited: bool = False
    shows_alone: bool = True

    @property
    def names_a_mistake(self) -> bool:
        """Whether a finding names the mistake, and not only its place."""
        return any(each.is_mistake for each in self.findings)


@dataclass(frozen=True)
class Cache:
    """What earlier explanations of one implementation have found.

    `named` has the explanations that name a mistake, by function and by whether extreme problems were
    compared. `locations` has the location of each counterexample, by function and dtypes. Without these two,
    judging takes a fifth longer.
    """

    named: defaultdict[tuple[str, bool], list[Explanation]] = field(default_factory=lambda: defaultdict(list))
    locations: defaultdict[tuple[str, Sequence[str]], dict[Problem, Location | None]] = field(
        default_factory=lambda: defaultdict(dict)
    )


_CACHES: WeakKeyDictionary[Implementation, Cache] = WeakKeyDictionary()


def explain(trial: Trial, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Call the implementation on more problems, in a new process, and compare it with the catalogue.

    With `whole`, a mistake must explain the outputs and the form of the caches. A mistake without a name is
    located if `locating`. If a call makes the process die, the explanation is empty.
    """
    try:
        explanation = _explain(trial, whole=whole, locating=locating)
        if explanation.inherited or trial.problem.dtype == "float64":
            return explanation
        return replace(explanation, inherited=is_inherited_in_its_precision(trial))
    except DiedError:
        return Explanation()
    except Exception as error:  # the failure itself is known all the same
        return Explanation([found("broke", error=repr(error))])


def _explain(trial: Trial, *, whole: bool, locating: bool) -> Explanation:
    understood = trial.implementation.load().understood
    if understood.get("fits"):
        return Explanation([found("stated gates", stated=understood["gates"], fits=understood["fits"])])
    extreme = trial.law.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGE
    program = Program(trial.implementation, trial.contract.name)
    named = _cache(program).named[program.function, extreme]
    if earlier := _earlier_explanation(trial, named):
        return earlier
    trial.implementation.end_process()
    explanation = search(program, trial.problem, extreme=extreme, whole=whole, locating=locating)
    if explanation.names_a_mistake:
        named.append(explanation)
    if [*explanation.findings] != [found("nearly")]:
        return explanation
    alone = trial.holds_alone()
    if not alone:
        trial.implementation.end_process()
        if symptoms(program.function, program, trial.inputs, program.limits) == found("nearly"):
            return explanation
    again = "in a new process" if alone else "asked again"
    return replace(explanation, findings=[found("earlier calls", again=again)], shows_alone=not alone)


def _earlier_explanation(trial: Trial, named: Sequence[Explanation]) -> Explanation | None:
    """An earlier explanation whose mistakes also explain the reply to this counterexample.

    Only for counterexamples in float64, in which few mistakes give the same numbers.
    """
    problem, function, limits = trial.problem, trial.contract.name, trial.implementation.limits
    if problem.dtype != "float64" or not trial.answers.digest(trial.number):
        return None
    shown = behaviour(function, trial.answers.reply(trial.number).outcome, limits)
    for explanation in named:
        fits = [
            each
            for each in explanation.findings
            if each.kind == "mistake"
            and accounts_for(each.facts["names"], function, trial.inputs, shown, limits)
        ]
        if fits and fits[0] == explanation.findings[0]:
            return replace(explanation, findings=fits)
    return None


def search(
    program: Program, problem: Problem, *, extreme: bool = False, whole: bool = False, locating: bool = True
) -> Explanation:
    """Compare a program with the catalogue, locate its mistake, or say what is wrong.

    With `extreme`, it is compared on extreme problems, too. Raises `DiedError`.
    """
    function, limits = program.function, program.limits
    if problem.regime == "subnormal" and (flushed := flushes(function, program, problem, limits)):
        return Explanation([flushed])
    # In float64, few mistakes give the same numbers within rounding.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    scope = Scope(limits, network, extreme, whole)
    findings = diagnose(function, program, counterexample, scope)
    if CONTRACTS[function].is_backward:  # their unlisted mistakes are not located
        if isinstance(widest, LayerProblem):
            return Explanation(findings, follows_wrong_forward(program, widest))
        return Explanation(findings, is_inherited(program, counterexample))
    if not findings and (effect := side_effect(function, program, counterexample, scope)):
        findings = [effect]
    location = None
    if not findings and locating:
        location = located(program, widest, limits) or _located_in_float32(program, problem)
    if location:
        findings = [found("location", **location.data(), lines=lines(location))]
    is_vague = not findings or (location and not location.data()["how"])
    if is_vague and (digits := right_digits(function, program, counterexample, scope)):
        findings = [digits, *findings]
    alone, inherited = not location or location.alone, is_inherited(program, counterexample)
    return Explanation(findings or _traces(program, problem, widest), inherited, shows_alone=alone)


def located(program: Program, counterexample: Problem, limits: Limits) -> Location | None:
    """Where, when and how a function is wrong on a counterexample; `None` if no location is found.

    Layers that may compile for each shape are not located, since that would take too long. Raises
    `DiedError`.
    """
    function, known = program.function, _cache(program).locations[program.function, limits.dtypes]
    if counterexample not in known:
        known[counterexample] = None  # so that an error is not repeated for each law
        if not (isinstance(counterexample, LayerProblem) and program.implementation.is_slow):
            tried = _known_locations(program, counterexample, limits)
            fits = (each for each in tried if explains(each, function, program, counterexample, limits))
            known[counterexample] = next(fits, None) or locate(
                function, program, counterexample, program.implementation.end_process, limits
            )
    return known[counterexample]


def _known_locations(program: Program, counterexample: Problem, limits: Limits) -> list[Location]:
    """The known locations of a function, and those of its cell if the function inherits its mistake."""
    locations, cell = _cache(program).locations, CONTRACTS[program.function].cell
    of_function = [each for each in locations[program.function, limits.dtypes].values() if each]
    of_cell = [each for each in locations[cell, limits.dtypes].values() if each and each.alone]
    if cell == program.function or not of_cell:
        return of_function
    inherits = is_inherited(program, counterexample.inputs(program.function))
    return of_function + of_cell if inherits else of_function


def _located_in_float32(program: Program, counterexample: Problem) -> Location | None:
    """The location in float32 of a function that is right in a wider dtype."""
    dtype = counterexample.dtype
    if dtype != "float32" or dtype == program.limits.dtypes[0]:
        return None
    location = located(program, counterexample, replace(program.limits, dtypes=(dtype,)))
    return location.under(Condition(Feature("bits"), "=", 32)) if location else None


def _traces(program: Program, problem: Problem, widest: Problem) -> list[Finding]:
    """The findings on a mistake that has no name and no location."""
    function, counterexample = program.function, widest.inputs(program.function)
    known = symptoms(function, program, counterexample, program.limits)
    is_nearly = known == found("nearly")
    if is_nearly and problem.dtype != widest.dtype:
        itself = symptoms(function, program, problem.inputs(function), program.limits)
        if itself != known:
            right = found("right in", dtype=widest.dtype, wrong_in=problem.dtype)
            return [right, itself] if itself else [right]
    elif not is_nearly:
        program.implementation.end_process()  # earlier calls may have made the answer wrong
        if program(counterexample).is_like(specification(function, program.limits)(counterexample)):
            known = found("nearly")
    return [known] if known else []


def _cache(program: Program) -> Cache:
    return _CACHES.setdefault(program.implementation, Cache())
