"""Explains a violation: by an earlier explanation of the same target, or by a search in a new process."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.catalogue_search import diagnose, explains_answer
from oracle.diagnosis.effects import flushed_subnormals, right_digits, side_effect, wrong_outputs
from oracle.diagnosis.findings import Finding
from oracle.diagnosis.problems import Scope
from oracle.location.facts import Condition, Feature, Location
from oracle.location.locate import AFTER_CALLS, explains, locate
from oracle.location.sentences import lines
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from properties.explanations.inheritance import follows_wrong_forward, is_inherited, is_inherited_by_law
from properties.explanations.program import DiedError, Program, behaviour
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial
from reference.contract import CONTRACTS

LARGEST_ORDINARY = 30
"""The largest input of ordinary problems; larger inputs may overflow."""


@dataclass(frozen=True)
class Explanation:
    """The findings on a failure, the best first: mistakes of the catalogue, a location, or wrong outputs.

    If `inherited`, the function is wrong only because its cell or, for the gradients of a layer, its forward
    pass is wrong. If not `is_reproducible`, a new process gives the right answer.
    """

    findings: Sequence[Finding] = ()
    inherited: bool = False
    is_reproducible: bool = True


@dataclass(frozen=True)
class _Cache:
    """The earlier explanations of one implementation. Without this cache, judging takes a fifth longer.

    `explanations` has the explanations with a mistake, by function and by whether extreme problems were
    compared. `locations` has the location on each counterexample, by function and dtypes. `is_random` says
    whether a function answers at random, for each function with an unlisted mistake.
    """

    explanations: defaultdict[tuple[str, bool], list[Explanation]] = field(
        default_factory=lambda: defaultdict(list)
    )
    locations: defaultdict[tuple[str, Sequence[str]], dict[Problem, Location | None]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    is_random: dict[str, bool] = field(default_factory=dict)


_CACHES: WeakKeyDictionary[Implementation, _Cache] = WeakKeyDictionary()


def explain(trial: Trial, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Explain why a law does not hold in a trial, by calls of the implementation on more problems.

    With `whole`, a mistake of the catalogue fits only if it also gives caches of the same form. If no mistake
    fits, `locating` says whether to search for a location. If the process dies, the explanation is empty.
    """
    try:
        explanation = _explain(trial, whole=whole, locating=locating)
        return replace(explanation, inherited=explanation.inherited or is_inherited_by_law(trial))
    except DiedError:
        return Explanation()
    except Exception as error:  # the failure is reported without an explanation
        return Explanation([Finding.of("broke", error=repr(error))])


def _explain(trial: Trial, *, whole: bool, locating: bool) -> Explanation:
    understood = trial.implementation.load().understood
    if understood.get("fits"):
        return Explanation([Finding.of("stated gates", stated=understood["gates"], fits=understood["fits"])])
    extreme = trial.law.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGEST_ORDINARY
    program = Program(trial.implementation, trial.contract.name)
    earlier = _cache(program).explanations[program.function, extreme]
    if explanation := _matching_explanation(trial, earlier):
        return explanation
    trial.implementation.end_process()
    explanation = search(program, trial.problem, extreme=extreme, whole=whole, locating=locating)
    if all(each.kind != "mistake" for each in explanation.findings):
        is_random = _cache(program).is_random
        if program.function not in is_random:
            is_random[program.function] = program.acts_at_random(trial.inputs)
        if is_random[program.function]:
            return replace(explanation, findings=[Finding.of("two answers")], is_reproducible=True)
    if any(each.is_mistake for each in explanation.findings):
        earlier.append(explanation)
    if [*explanation.findings] != [Finding.of("nearly")]:
        return explanation  # the search has seen a wrong answer
    is_right = trial.holds_in_new_process()
    if not is_right:
        trial.implementation.end_process()
        if wrong_outputs(program.function, program, trial.inputs, program.limits) == Finding.of("nearly"):
            return explanation
    finding = Finding.of("earlier calls", again="in a new process" if is_right else "asked again")
    return replace(explanation, findings=[finding], is_reproducible=not is_right)


def _matching_explanation(trial: Trial, earlier: Sequence[Explanation]) -> Explanation | None:
    """Return an earlier explanation whose mistakes also give this answer, if the answer is in float64."""
    problem, function, limits = trial.problem, trial.contract.name, trial.implementation.limits
    if problem.dtype != "float64" or not trial.answers.digest(trial.number):
        return None
    answer = behaviour(function, trial.answers.reply(trial.number).outcome, limits)
    for explanation in earlier:
        fitting = [
            each
            for each in explanation.findings
            if each.kind == "mistake"
            and explains_answer(each.facts["names"], function, trial.inputs, answer, limits)
        ]
        if fitting and fitting[0] == explanation.findings[0]:
            return replace(explanation, findings=fitting)
    return None


def search(
    program: Program, problem: Problem, *, extreme: bool = False, whole: bool = False, locating: bool = True
) -> Explanation:
    """Find the mistakes of the catalogue that fit, or the location of an unlisted one, or the wrong outputs.

    With `extreme`, it also calls the program on extreme problems. `whole` and `locating` are as in `explain`.
    Raises `DiedError` if the process dies.
    """
    function, limits = program.function, program.limits
    if problem.regime == "subnormal" and (flushed := flushed_subnormals(function, program, problem, limits)):
        return Explanation([flushed])
    # In float64, few mistakes give the same numbers within rounding.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    scope = Scope(limits, network, extreme, whole)
    findings = diagnose(function, program, counterexample, scope)
    if not findings and (effect := side_effect(function, program, counterexample, scope)):
        findings = [effect]
    is_backward = CONTRACTS[function].is_backward
    location = None
    if not findings and locating and not is_backward:  # `locate` knows forward passes only
        location = cached_location(program, widest, limits) or _location_in_float32(program, problem)
        if location and not location.how and problem == widest and _is_right_alone(program, counterexample):
            location = AFTER_CALLS
    if location:
        findings = [Finding.of("location", **location.data(), lines=lines(location))]
    is_vague = not findings or (location and not location.how)
    if is_vague and (digits := right_digits(function, program, counterexample, scope)):
        findings = [digits, *findings]
    if not findings:
        findings = _wrong_outputs(program, problem, widest)
    if is_backward and isinstance(widest, LayerProblem):
        inherited = follows_wrong_forward(program, widest)
    else:
        inherited = is_inherited(program, counterexample)
    is_reproducible = not location or location.where.stage != "calls"
    return Explanation(findings, inherited, is_reproducible)


def cached_location(program: Program, counterexample: Problem, limits: Limits) -> Location | None:
    """Find where, when and how a function is wrong on a counterexample; `None` if no location fits.

    Layers that may compile for each shape are not located, since that would take too long. Raises `DiedError`
    if the process dies.
    """
    function, known = program.function, _cache(program).locations[program.function, limits.dtypes]
    if counterexample not in known:
        known[counterexample] = None  # if `locate` raises an error, the next law does not repeat it
        if not (isinstance(counterexample, LayerProblem) and program.implementation.is_slow):
            earlier = _known_locations(program, counterexample, limits)
            fitting = (each for each in earlier if explains(each, function, program, counterexample, limits))
            known[counterexample] = next(fitting, None) or locate(
                function, program, counterexample, program.implementation.end_process, limits
            )
    return known[counterexample]


def _known_locations(program: Program, counterexample: Problem, limits: Limits) -> list[Location]:
    """Return the known locations of a function; if it inherits a mistake, those of its cell, too."""
    locations, cell = _cache(program).locations, CONTRACTS[program.function].cell
    of_function = [each for each in locations[program.function, limits.dtypes].values() if each]
    of_cell = [each for each in locations[cell, limits.dtypes].values() if each]
    if cell == program.function or not of_cell:
        return of_function
    inherits = is_inherited(program, counterexample.inputs(program.function))
    return of_function + of_cell if inherits else of_function


def _location_in_float32(program: Program, counterexample: Problem) -> Location | None:
    """Find the location in float32 of a function that is right in the widest dtype that it supports."""
    dtype = counterexample.dtype
    if dtype != "float32" or dtype == program.limits.dtypes[0]:
        return None
    location = cached_location(program, counterexample, replace(program.limits, dtypes=(dtype,)))
    return location.with_condition(Condition(Feature("bits"), "=", 32)) if location else None


def _wrong_outputs(program: Program, problem: Problem, widest: Problem) -> list[Finding]:
    """Find which outputs are wrong. `widest` is the problem in the widest dtype that the target supports."""
    function, counterexample = program.function, widest.inputs(program.function)
    finding = wrong_outputs(function, program, counterexample, program.limits)
    if finding != Finding.of("nearly"):
        if _is_right_alone(program, counterexample):
            finding = Finding.of("nearly")
    elif problem.dtype != widest.dtype:
        in_dtype = wrong_outputs(function, program, problem.inputs(function), program.limits)
        if in_dtype != finding:
            right = Finding.of("right in", dtype=widest.dtype, wrong_in=problem.dtype)
            return [right, in_dtype] if in_dtype else [right]
    return [finding] if finding else []


def _is_right_alone(program: Program, counterexample: Inputs) -> bool:
    """Whether a program is right if this is the first call: earlier calls may have made its answer wrong."""
    program.implementation.end_process()
    return program(counterexample).is_like(specification(program.function, program.limits)(counterexample))


def _cache(program: Program) -> _Cache:
    return _CACHES.setdefault(program.implementation, _Cache())
