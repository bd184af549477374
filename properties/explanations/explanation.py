"""Explains why a law does not hold: by mistakes of the catalogue, by a location, or by what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.names import Scope, accounts_for, diagnose
from oracle.diagnosis.subnormals import flushes
from oracle.diagnosis.traces import right_digits, side_effect, symptoms
from oracle.inputs import Inputs
from oracle.location.facts import Location
from oracle.location.sentences import lines
from oracle.problem import LayerProblem, Problem
from properties.explanations.cached_location import located, located_in_float32
from properties.explanations.inherited_gradients import follows_wrong_forward
from properties.explanations.inherited_mistakes import is_inherited, is_inherited_in_its_precision
from properties.explanations.probe import CachedProgram, DiedError, UncachedProgram, behaviour
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial
from reference.contract import CONTRACTS

LARGE = 30
"""The largest input of ordinary problems; larger inputs may overflow."""


@dataclass(frozen=True)
class Explanation:
    """The findings on a failure, the best first: mistakes of the catalogue, or else a location or traces.

    `inherited` says whether only the `source` of the contract is wrong. `shows_alone` is false if the answer
    to the problem is right in a new process.
    """

    findings: Sequence[Finding] = ()
    inherited: bool = False
    shows_alone: bool = True

    @property
    def names_a_mistake(self) -> bool:
        """Whether a finding names the mistake, and not only its place."""
        return any(each.is_mistake for each in self.findings)

    @property
    def is_only_nearly(self) -> bool:
        """Whether a repeated call showed no clear error."""
        return [each.kind for each in self.findings] == ["nearly"]


class Search(NamedTuple):
    """The options of a search for mistakes.

    `extreme` says whether to compare on extreme problems, too. `whole` and `locating` are those of `explain`.
    """

    extreme: bool = False
    whole: bool = False
    locating: bool = True


def explain(trial: Trial, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Call the implementation on more problems, in a new process, and compare it with the catalogue.

    With `whole`, a mistake must explain the outputs and the form of the caches. A mistake without a name is
    located if `locating`. If a call makes the process die, the explanation is empty.
    """
    try:
        why = _explain_trial(trial, whole=whole, locating=locating)
        if why.inherited or trial.problem.dtype == "float64":
            return why
        return replace(why, inherited=is_inherited_in_its_precision(trial))
    except DiedError:
        return Explanation()
    except Exception as error:  # the failure itself is known all the same
        return Explanation([found("broke", error=repr(error))])


def _explain_trial(trial: Trial, *, whole: bool, locating: bool) -> Explanation:
    understood = trial.implementation.load().understood
    if understood.get("fits"):
        return Explanation([found("stated gates", stated=understood["gates"], fits=understood["fits"])])
    program = CachedProgram(trial.implementation, trial.contract.name)
    extreme = trial.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGE
    named = _NAMED.setdefault(trial.implementation, {}).setdefault((program.function, extreme), [])
    if before := _as_before(trial, named):
        return before
    why = _explain(program, trial.problem, Search(extreme, whole, locating))
    if why.names_a_mistake:
        named.append(why)
    if not why.is_only_nearly:
        return why
    alone = trial.holds_alone()
    if not alone:
        trial.implementation.close()
        if symptoms(program.function, program, trial.inputs, program.limits) == found("nearly"):
            return why
    again = "in a new process" if alone else "asked again"
    findings = [found("earlier calls", again=again)]
    return Explanation(findings, inherited=why.inherited, shows_alone=not alone)


_NAMED: WeakKeyDictionary[Implementation, dict[tuple[str, bool], list[Explanation]]] = WeakKeyDictionary()
"""The explanations of an implementation that name a mistake, by function and by `extreme`."""


def _as_before(trial: Trial, named: Sequence[Explanation]) -> Explanation | None:
    """An earlier explanation whose mistakes also explain the reply to this counterexample.

    Only for counterexamples in float64, in which few mistakes give the same numbers.
    """
    problem, function, limits = trial.problem, trial.contract.name, trial.implementation.limits
    if problem.dtype != "float64" or not trial.answers.digest(trial.number):
        return None
    shown = behaviour(function, trial.answers.reply(trial.number).outcome, limits)
    for why in named:
        fits = [
            each
            for each in why.findings
            if each.kind == "mistake"
            and accounts_for(each.facts["names"], function, trial.inputs, shown, limits)
        ]
        if fits and fits[0] == why.findings[0]:
            return replace(why, findings=fits)
    return None


def _explain(program: CachedProgram, problem: Problem, search: Search) -> Explanation:
    function, limits = program.function, program.limits
    if problem.regime == "subnormal" and (flushed := flushes(function, program, problem, limits)):
        return Explanation([flushed])
    # In float64, few mistakes give the same numbers within rounding.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    scope = Scope(limits, network, search.extreme, search.whole)
    findings = diagnose(function, program, counterexample, scope)
    if CONTRACTS[function].is_backward:  # their unlisted mistakes are not located
        if isinstance(widest, LayerProblem):
            return Explanation(findings, follows_wrong_forward(program, widest))
        return Explanation(findings, is_inherited(program, counterexample))
    if not findings and (effect := side_effect(function, program, counterexample, scope)):
        findings = [effect]
    alone = True
    if not findings and search.locating:
        location = located(program, widest, limits) or located_in_float32(program, problem)
        if location:
            findings, alone = [_as_finding(location)], location.alone
    is_vague = all(each.kind == "location" and not each.facts["how"] for each in findings)
    if is_vague and (digits := right_digits(function, program, counterexample, scope)):
        findings = [digits, *findings]
    inherited = is_inherited(program, counterexample)
    return Explanation(findings or _traces(program, problem, widest), inherited, shows_alone=alone)


def _traces(program: CachedProgram, problem: Problem, widest: Problem) -> list[Finding]:
    """The findings on a mistake that has no name and no location."""
    function, counterexample = program.function, widest.inputs(program.function)
    known = symptoms(function, program, counterexample, program.limits)
    is_nearly = known == found("nearly")
    if is_nearly and problem.dtype != widest.dtype:
        itself = symptoms(function, program, problem.inputs(function), program.limits)
        if itself != known:
            right = found("right in", dtype=widest.dtype, wrong_in=problem.dtype)
            return [right, itself] if itself else [right]
    elif not is_nearly and _is_right_in_a_new_process(program, counterexample):
        known = found("nearly")
    return [known] if known else []


def _as_finding(location: Location) -> Finding:
    return found("location", **location.data(), lines=lines(location))


def _is_right_in_a_new_process(program: CachedProgram, counterexample: Inputs) -> bool:
    """Whether the answer is right in a new process, so that earlier calls made it wrong."""
    program.implementation.close()
    shown = UncachedProgram(program.implementation, program.function)(counterexample)
    return shown.is_like(specification(program.function, program.limits)(counterexample))
