"""Why a law does not hold: which mistake it looks like, and whether the function or its cell makes it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.names import accounts_for, diagnose
from oracle.diagnosis.subnormals import flushes
from oracle.diagnosis.traces import right_digits, side_effect, symptoms
from oracle.inputs import Inputs
from oracle.location.facts import Location
from oracle.location.sentences import lines, phrases
from oracle.problem import LayerProblem, Problem
from properties.explanations.cached_location import kept_by_calls, located, located_in_float32
from properties.explanations.inherited_mistakes import is_inherited, is_inherited_in_its_precision
from properties.explanations.probe import Asked, DiedError, Unkept, behaviour
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial
from reference.contract import CONTRACTS

LARGE = 30
"""Beyond such an input numbers overflow that no ordinary problem has."""


@dataclass(frozen=True)
class Explanation:
    """What is known of a failure, best first: mistakes that it looks like; else where it is wrong, or traces.

    `shows_alone` is false where the problem by itself is answered right.
    """

    findings: Sequence[Finding] = ()
    inherited: bool = False
    shows_alone: bool = True

    @property
    def names_a_mistake(self) -> bool:
        """Whether it says what the program does wrong, not only where."""
        return any(each.is_mistake for each in self.findings)

    @property
    def is_too_little(self) -> bool:
        """Whether nothing wrong was seen when it was asked again."""
        return [each.kind for each in self.findings] == ["nearly"]


class Search(NamedTuple):
    """How a mistake is looked for: whether on `extreme` problems too, and what `explain` takes.

    The `suspects` are mistakes that the laws of the spec grade have told of the function, by name.
    """

    extreme: bool = False
    whole: bool = False
    locating: bool = True
    suspects: Sequence[str] = ()


def explain(trial: Trial, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Ask the implementation some more, in a fresh process, and compare it with the catalogue.

    With `whole`, a mistake has to explain the outputs and the form of the caches. What has no name is located
    only if `locating`. Where the questions make it die, nothing is explained.
    """
    try:
        why = _explain_trial(trial, whole=whole, locating=locating)
        if why.inherited or trial.problem.dtype == "float64":
            return why
        return replace(why, inherited=is_inherited_in_its_precision(trial))
    except DiedError:
        return Explanation()
    except Exception as error:  # that a law does not hold is known, whatever comes of this
        return Explanation([found("broke", error=repr(error))])


def _explain_trial(trial: Trial, *, whole: bool, locating: bool) -> Explanation:
    ask = Asked(trial.implementation, trial.contract.name)
    extreme = trial.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGE
    known = _NAMED.setdefault(trial.implementation, {})
    named = known.setdefault((ask.function, extreme), [])
    of_spec = known.get((ask.function, False), []) if extreme else []
    search = Search(extreme, whole, locating, tuple(_suspects(of_spec)))
    if before := _as_before(trial, named, search.suspects):
        return before
    why = _explain(ask, trial.problem, search)
    if why.names_a_mistake:
        named.append(why)
    if not why.is_too_little:
        return why
    alone = trial.holds_alone()
    left = _left_behind(ask, trial.problem) if locating else ""
    if not alone:
        trial.implementation.close()
        if symptoms(ask.function, ask, trial.inputs, ask.limits) == found("nearly"):
            return why
    again = "in a new process" if alone else "asked again"
    findings = [found("earlier calls", again=again, left=left)]
    return Explanation(findings, inherited=why.inherited, shows_alone=not alone)


def _suspects(explanations: Sequence[Explanation]) -> list[str]:
    """The single mistakes that explanations name first."""
    first = (why.findings[0] for why in explanations)
    named = [each.facts["names"] for each in first if each.kind == "mistake"]
    return [names[0] for names in named if len(names) == 1]


def _left_behind(ask: Asked, problem: Problem) -> str:
    """What a network has of an earlier call, in words; empty if that is not known."""
    if not isinstance(problem, LayerProblem):
        return ""
    kept = kept_by_calls(ask, problem)
    return ", ".join(phrases(kept)) if kept else ""


_NAMED: WeakKeyDictionary[Implementation, dict[tuple[str, bool], list[Explanation]]] = WeakKeyDictionary()
"""What was explained of a function by a name, where large logits were asked, and where they were not."""


def _as_before(trial: Trial, named: Sequence[Explanation], suspects: Sequence[str]) -> Explanation | None:
    """An earlier explanation whose mistakes account for all that this counterexample has shown, too.

    It is asked in float64, in which few mistakes look alike, and so is this one.
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
            and accounts_for(each.facts["names"], function, trial.inputs, shown, limits, suspects)
        ]
        if fits and fits[0] == why.findings[0]:
            return replace(why, findings=fits)
    return None


def _explain(ask: Asked, problem: Problem, search: Search) -> Explanation:
    function, limits = ask.function, ask.limits
    if problem.regime == "subnormal" and (flushed := flushes(function, ask, problem, limits)):
        return Explanation([flushed])
    # In float64 rounding is so small that few mistakes look alike.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    how: dict[str, Any] = {"limits": limits, "network": network}
    sought: dict[str, Any] = {"extreme": search.extreme, "whole": search.whole, "suspects": search.suspects}
    findings = diagnose(function, ask, counterexample, **sought, **how)
    if CONTRACTS[function].is_backward:  # of which no unlisted mistake is located
        return Explanation(findings, is_inherited(ask, counterexample))
    if not findings and (effect := side_effect(function, ask, counterexample, **how)):
        findings = [effect]
    if findings == [found("two answers", after=[])] and not CONTRACTS[function].is_layer:
        kept = kept_by_calls(ask, widest)
        findings = [found("two answers", after=phrases(kept) if kept else [])]
    alone = True
    if not findings and search.locating:
        location = located(ask, widest, limits) or located_in_float32(ask, problem)
        if location:
            findings, alone = [_as_finding(location)], location.alone
    is_vague = all(each.kind == "location" and not each.facts["how"] for each in findings)
    if is_vague and (digits := right_digits(function, ask, counterexample, **how)):
        findings = [digits, *findings]
    inherited = is_inherited(ask, counterexample)
    return Explanation(findings or _traces(ask, problem, widest), inherited, shows_alone=alone)


def _traces(ask: Asked, problem: Problem, widest: Problem) -> list[Finding]:
    """What is known of a mistake without a name or a place."""
    function, counterexample = ask.function, widest.inputs(ask.function)
    known = symptoms(function, ask, counterexample, ask.limits)
    is_nearly = known == found("nearly")
    if is_nearly and problem.dtype != widest.dtype:
        itself = symptoms(function, ask, problem.inputs(function), ask.limits)
        if itself != known:
            right = found("right in", dtype=widest.dtype, wrong_in=problem.dtype)
            return [right, itself] if itself else [right]
    elif not is_nearly and _is_right_in_a_new_process(ask, counterexample):
        known = found("nearly")
    return [known] if known else []


def _as_finding(location: Location) -> Finding:
    return found("location", **location.data(), lines=lines(location))


def _is_right_in_a_new_process(ask: Asked, counterexample: Inputs) -> bool:
    """Whether nothing but earlier calls made it wrong."""
    ask.implementation.close()
    shown = Unkept(ask.implementation, ask.function)(counterexample)
    return shown.is_like(specification(ask.function, ask.limits)(counterexample))
