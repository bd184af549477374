"""Searches for the mistake of a program: in the catalogue, by a location, or else what is wrong."""

from dataclasses import replace
from typing import NamedTuple

from oracle.diagnosis.behaviour import specification
from oracle.diagnosis.findings import Finding, found
from oracle.diagnosis.names import Scope, diagnose
from oracle.diagnosis.subnormals import flushes
from oracle.diagnosis.traces import right_digits, side_effect, symptoms
from oracle.problem import LayerProblem, Problem
from properties.explanations.cached_location import as_finding, located, located_in_float32
from properties.explanations.earlier_explanations import Explanation
from properties.explanations.inherited_gradients import follows_wrong_forward
from properties.explanations.inherited_mistakes import is_inherited
from properties.explanations.program import Program
from reference.contract import CONTRACTS


class Search(NamedTuple):
    """The options of a search for mistakes.

    `extreme` says whether to compare on extreme problems, too; `whole`, whether a mistake must explain
    outputs and caches; `locating`, whether to locate a mistake without a name.
    """

    extreme: bool = False
    whole: bool = False
    locating: bool = True


def search(program: Program, problem: Problem, options: Search) -> Explanation:
    """Compare a program with the catalogue, locate its mistake, or say what is wrong. Raises `DiedError`."""
    function, limits = program.function, program.limits
    if problem.regime == "subnormal" and (flushed := flushes(function, program, problem, limits)):
        return Explanation([flushed])
    # In float64, few mistakes give the same numbers within rounding.
    widest = limits.fitted(replace(problem, dtype="float64"))
    counterexample = widest.inputs(function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    scope = Scope(limits, network, options.extreme, options.whole)
    findings = diagnose(function, program, counterexample, scope)
    if CONTRACTS[function].is_backward:  # their unlisted mistakes are not located
        if isinstance(widest, LayerProblem):
            return Explanation(findings, follows_wrong_forward(program, widest))
        return Explanation(findings, is_inherited(program, counterexample))
    if not findings and (effect := side_effect(function, program, counterexample, scope)):
        findings = [effect]
    alone = True
    if not findings and options.locating:
        location = located(program, widest, limits) or located_in_float32(program, problem)
        if location:
            findings, alone = [as_finding(location)], location.alone
    is_vague = all(each.kind == "location" and not each.facts["how"] for each in findings)
    if is_vague and (digits := right_digits(function, program, counterexample, scope)):
        findings = [digits, *findings]
    inherited = is_inherited(program, counterexample)
    return Explanation(findings or _traces(program, problem, widest), inherited, shows_alone=alone)


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
        program.implementation.close()  # earlier calls may have made the answer wrong
        if program(counterexample).is_like(specification(function, program.limits)(counterexample)):
            known = found("nearly")
    return [known] if known else []
