"""Searches for the claims about a wrong function, by calls on more problems."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from weakref import WeakKeyDictionary

from oracle.explanations.behaviour import specification
from oracle.explanations.cache_entries import wrong_cache_entries
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.changes import Condition
from oracle.explanations.claims import ON_ORDINARY_PROBLEMS, Claim
from oracle.explanations.conditional_mistakes import conditional_mistake
from oracle.explanations.effects import flushed_subnormals, right_digits, side_effect, written_arguments
from oracle.explanations.location_search import locate
from oracle.explanations.misreadings import misread
from oracle.explanations.problems import Scope, larger_problem
from oracle.explanations.wrong_outputs import (
    belongs_to,
    deciding_values,
    ordinary_outputs,
    ordinary_problems,
    wrong_outputs,
)
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from properties.explanations.inheritance import WithRightCell
from properties.explanations.program import Program
from properties.implementations.implementation import Implementation
from reference.contract import CONTRACTS

NEARLY = Claim.of("nearly")


@dataclass(frozen=True)
class Cache:
    """The earlier explanations of one implementation. Without this cache, judging takes a fifth longer.

    `claims` has the claims that predict a failure, by function. `locations` has the location on each problem,
    by function and dtypes. `misreadings` has those of backward passes, by function. `is_random` says whether
    a function answers at random. `ordinary` has the wrong outputs of ordinary problems.
    """

    claims: defaultdict[str, list[list[Claim]]] = field(default_factory=lambda: defaultdict(list))
    locations: dict[tuple[str, Sequence[str], Problem], Claim | None] = field(default_factory=dict)
    misreadings: dict[str, Claim | None] = field(default_factory=dict)
    is_random: dict[str, bool] = field(default_factory=dict)
    ordinary: dict[tuple[Any, ...], Claim | None] = field(default_factory=dict)


_CACHES: WeakKeyDictionary[Implementation, Cache] = WeakKeyDictionary()


def cache_of(program: Program) -> Cache:
    """The earlier explanations of the implementation of a program."""
    return _CACHES.setdefault(program.implementation, Cache())


def search(
    program: Program, problem: Problem, *, extreme: bool = False, whole: bool = False, locating: bool = True
) -> list[Claim]:
    """Find the mistakes of the catalogue that fit, or the location of an unlisted one, or the wrong outputs.

    With `extreme`, it also calls the program on extreme problems. `whole` and `locating` are as in `explain`.
    Raises `DiedError` if the process dies.
    """
    function, limits = program.function, program.limits
    if problem.regime == "subnormal" and (flushed := flushed_subnormals(function, program, problem, limits)):
        return [flushed]
    # In float64, few mistakes give the same numbers within rounding.
    widest = limits.fitted(replace(problem, dtype="float64"))
    inputs = widest.inputs(function)
    scope = Scope(limits, problem.network, extreme, whole)
    claims = diagnose(function, program, inputs, scope)
    if not claims and (effect := side_effect(function, program, inputs, scope)):
        claims = [effect]
    if not claims and locating:
        find = _misread if CONTRACTS[function].is_backward else _located
        claims = [*filter(None, [find(program, problem, widest)])]
    if not claims or (claims[0].kind == "location" and not claims[0].facts["how"]):
        claims = [*filter(None, [right_digits(function, program, inputs, scope)]), *claims]
    if not claims:
        return _beside_cell(program, inputs, scope) or listed_outputs(program, problem, widest)
    facts = claims[-1].facts
    if claims[-1].kind == "location" and (facts["when"] is None or not facts["how"]):
        claims += _right_cases(program, problem, widest)
    return claims


def _misread(program: Program, problem: Problem, widest: Problem) -> Claim | None:
    """The misreading of a backward pass, which is searched once: its problems hardly depend on `problem`."""
    function, known = program.function, cache_of(program).misreadings
    if function not in known:
        known[function] = None  # if the search raises an error, the next law does not repeat it
        if not _is_too_slow(program, problem):
            known[function] = misread(function, program, widest.inputs(function), program.limits)
    return known[function]


def _located(program: Program, problem: Problem, widest: Problem) -> Claim | None:
    """The location in the widest dtype of the target, or else in the dtype of the problem."""
    limits = program.limits
    if located := cached_location(program, widest, limits):
        return located
    if problem.dtype != "float32" or problem.dtype == limits.dtypes[0]:
        return None
    located = cached_location(program, problem, replace(limits, dtypes=("float32",)))
    if located is None or (when := located.facts.get("when", ())) is None:
        return located
    in_float32 = vars(Condition("bits", "", "=", 32.0))
    return Claim(located.kind, {**located.facts, "when": [in_float32, *when]})


def cached_location(program: Program, problem: Problem, limits: Limits) -> Claim | None:
    """Find where, when and how a function is wrong on a problem; `None` if no location fits.

    Slow layers and costly functions are not located, since that would take too long. Raises `DiedError` if
    the process dies.
    """
    known, key = cache_of(program).locations, (program.function, limits.dtypes, problem)
    if key not in known:
        known[key] = None  # if the search raises an error, the next law does not repeat it
        if not _is_too_slow(program, problem):
            known[key] = _search_location(program, problem, limits)
    return known[key]


def _is_too_slow(program: Program, problem: Problem) -> bool:
    implementation = program.implementation
    is_slow = isinstance(problem, LayerProblem) and implementation.is_slow
    return is_slow or implementation.histories[program.function].is_costly


def _search_location(program: Program, problem: Problem, limits: Limits) -> Claim | None:
    """The more complete of a mistake under conditions and a location."""
    function = program.function
    conditional = conditional_mistake(function, program, problem, limits)
    if conditional and conditional.facts.get("when", ()) is not None:
        return conditional
    location = locate(function, program, problem, limits)
    if conditional and not (location and location.how and location.conditions is not None):
        return conditional
    return location.claim(CONTRACTS[function].kind) if location else None


def _beside_cell(program: Program, inputs: Inputs, scope: Scope) -> list[Claim]:
    """The mistakes of a function over time that it makes beside those of its cell: with a right cell."""
    cell = CONTRACTS[program.function].cell
    if cell not in program.implementation.load().functions:
        return []
    with_right_cell = WithRightCell(program.implementation)
    claims = diagnose(program.function, replace(program, implementation=with_right_cell), inputs, scope)
    if not claims or not with_right_cell.used:
        return []
    return [Claim.of("beside cell", cell=cell, told=vars(claims[0]))]


def written(program: Program, inputs: Inputs, network: LayerProblem | None) -> list[Claim]:
    """The arguments that calls write to, whatever they return."""
    larger = program.limits.fitted(larger_problem(program.function, inputs, network))
    every = [inputs, larger.inputs(program.function)]
    right = map(specification(program.function, program.limits), every)
    claim = written_arguments(program.function, [*map(program, every)], [*right])
    return [claim] if claim else []


def listed_outputs(program: Program, problem: Problem, widest: Problem) -> list[Claim]:
    """Find which outputs are wrong. `widest` is the problem in the widest dtype that the target supports."""
    function, inputs = program.function, widest.inputs(program.function)
    claim = wrong_outputs(function, program, inputs, program.limits)
    if claim != NEARLY:
        if _is_right_alone(program, inputs):
            claim = NEARLY
        elif entries := wrong_cache_entries(function, program, inputs, program.limits):
            claim = entries
        elif claim:
            here, claim = claim.facts["outputs"], _on_ordinary_problems(program, widest, claim)
            # Where the formulas give NaN, a law may accept a number.
            is_exact = problem == widest and problem.regime != "nonfinite"
            if is_exact and len(here) < len(claim.facts["outputs"]):
                claim = Claim.of("traces", **claim.facts, here=here)
    elif problem.dtype != widest.dtype:
        in_dtype = wrong_outputs(function, program, problem.inputs(function), program.limits)
        if in_dtype != claim:
            right = Claim.of("right in", dtype=widest.dtype, wrong_in=problem.dtype)
            return [right, in_dtype] if in_dtype else [right]
    return [claim] if claim else []


def _on_ordinary_problems(program: Program, problem: Problem, claim: Claim) -> Claim:
    """The wrong outputs on ordinary problems, unless they are another mistake than that of one problem.

    They are another mistake if the problem has other wrong outputs, or is of a case that is right.
    """
    if _is_too_slow(program, problem):
        return claim
    function, inputs = program.function, problem.inputs(program.function)
    network = problem.network
    known, key = cache_of(program).ordinary, (function, *ordinary_problems(function, inputs, network))
    if key not in known:
        known[key] = ordinary_outputs(function, program, inputs, program.limits, network)
    ordinary = known[key]
    if ordinary and not ordinary.facts["outputs"]:
        values = deciding_values(function, program, problem, program.limits)
        unless = {"unless": values} if values else {}
        return Claim.of("traces", outputs=claim.facts["outputs"], right=ON_ORDINARY_PROBLEMS, **unless)
    if ordinary is None or any(belongs_to(case, function, problem) for case in ordinary.facts["right"]):
        return claim
    names, wrong = ({name for name, _ in each.facts["outputs"]} for each in (claim, ordinary))
    return ordinary if names <= wrong else claim


def _right_cases(program: Program, problem: Problem, widest: Problem) -> list[Claim]:
    """In which dtype a problem is right, or else in which cases ordinary problems are right."""
    claim = wrong_outputs(program.function, program, widest.inputs(program.function), program.limits)
    if claim == NEARLY:
        return [each for each in listed_outputs(program, problem, widest) if each.kind == "right in"]
    if claim is None:
        return []
    facts = _on_ordinary_problems(program, widest, claim).facts
    cases = {name: facts[name] for name in ("right", "unless") if facts.get(name)}
    return [Claim.of("traces", outputs=[], **cases)] if cases else []


def _is_right_alone(program: Program, inputs: Inputs) -> bool:
    """Whether a program is right if this is the first call: earlier calls may have made its answer wrong."""
    program.implementation.end_process()
    return program(inputs).is_like(specification(program.function, program.limits)(inputs))
