"""Explains a violation: by an earlier explanation of the same target, or by a search in a new process."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import numpy as np

from oracle.explanations.behaviour import TOLERANCE, specification
from oracle.explanations.cache_entries import wrong_cache_entries
from oracle.explanations.catalogue_search import diagnose
from oracle.explanations.changes import Condition
from oracle.explanations.claims import ON_ORDINARY_PROBLEMS, Claim, is_far
from oracle.explanations.conditional_mistakes import conditional_mistake
from oracle.explanations.effects import flushed_subnormals, right_digits, side_effect
from oracle.explanations.location_search import locate
from oracle.explanations.problems import Scope, larger_problem
from oracle.explanations.wrong_outputs import ordinary_outputs, wrong_outputs
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from properties.explanations.inheritance import (
    WithRightCell,
    follows_wrong_forward,
    is_inherited,
)
from properties.explanations.prediction import is_predicted
from properties.explanations.program import DiedError, InNewProcesses, Program
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial, ViolationError
from reference.contract import CONTRACTS

LARGEST_ORDINARY = 30
"""The largest input of ordinary problems; larger inputs may overflow."""
NEARLY = Claim.of("nearly")
AS_FIRST_CALL = "as the first call of a process"
EXPLAINING = 60.0
"""The seconds for all explanations of a costly target."""


@dataclass(frozen=True)
class Explanation:
    """The claims about a failure, the best first: mistakes of the catalogue, a location, or wrong outputs.

    If `inherited`, the function is wrong only because its cell or, for the gradients of a layer, its forward
    pass is wrong. If not `is_reproducible`, the law holds in a new process.
    """

    claims: Sequence[Claim] = ()
    inherited: bool = False
    is_reproducible: bool = True


@dataclass(frozen=True)
class _Cache:
    """The earlier explanations of one implementation. Without this cache, judging takes a fifth longer.

    `claims` has the claims that predict a failure, by function. `locations` has the location on each problem,
    by function and dtypes. `is_random` says whether a function answers at random. `ordinary` has the wrong
    outputs of ordinary problems.
    """

    claims: defaultdict[str, list[list[Claim]]] = field(default_factory=lambda: defaultdict(list))
    locations: dict[tuple[str, Sequence[str], Problem], Claim | None] = field(default_factory=dict)
    is_random: dict[str, bool] = field(default_factory=dict)
    ordinary: dict[tuple[str, Problem], Claim | None] = field(default_factory=dict)


_CACHES: WeakKeyDictionary[Implementation, _Cache] = WeakKeyDictionary()


def explain(violation: ViolationError, *, whole: bool = False, locating: bool = True) -> Explanation:
    """Explain why a law does not hold in a trial, by calls of the implementation on more problems.

    With `whole`, a mistake of the catalogue fits only if it also gives caches of the same form. If no mistake
    fits, `locating` says whether to search for a location. If the process dies, the explanation is empty.
    When the time for a costly target is up, only known claims are tried.
    """
    target = violation.trial.implementation
    with target.aside(EXPLAINING) if target.is_costly else nullcontext():
        return _explanation(violation, whole, locating)


def _explanation(violation: ViolationError, whole: bool, locating: bool) -> Explanation:
    try:
        claims, is_reproducible, inherited = _explain(violation, whole, locating), True, False
        with suppress(TimeoutError):
            if violation.trial.holds_in_new_process:  # no program without a memory does so
                claims = [each for each in claims if _is_of_several_calls(violation, each)]
                is_reproducible, claims = (
                    False,
                    claims or [Claim.of("earlier calls", again="in a new process")],
                )
            inherited = _is_inherited(violation.trial)
        return Explanation(claims, inherited, is_reproducible)
    except TimeoutError:
        return Explanation([Claim.of("no time")])
    except DiedError:
        return Explanation()
    except Exception as error:  # the failure is reported without an explanation
        return Explanation([Claim.of("broke", error=repr(error))])


def _is_of_several_calls(violation: ViolationError, claim: Claim) -> bool:
    """Whether a claim is about what earlier or later calls do to an answer, or about chance."""
    if claim.kind == "mistake":
        return is_predicted(violation, claim) is None
    return claim.kind in ("two answers", "earlier calls", "overwrites", "writes", "order of parameters")


def _explain(violation: ViolationError, whole: bool, locating: bool) -> list[Claim]:
    """The claims about a violation that hold for the call that the law has made."""
    trial = violation.trial
    understood = trial.implementation.load().understood
    if understood.get("fits"):
        return [Claim.of("stated gates", stated=understood["gates"], fits=understood["fits"])]
    program = Program(trial.implementation, trial.contract.name)
    earlier = _cache(program).claims[program.function]
    for claims in earlier:
        if is_predicted(violation, claims[0]):
            return claims
    trial.implementation.end_process()
    extreme = trial.law.grade == "robust" or float(np.abs(trial.inputs.x).max(initial=0)) > LARGEST_ORDINARY
    found = search(program, trial.problem, extreme=extreme, whole=whole, locating=locating)
    checked = [(claim, is_predicted(violation, claim)) for claim in found]
    claims = [claim for claim, holds in checked if holds is not False]
    if any(holds for _, holds in checked):
        earlier.append(claims)
        return claims
    try:
        return _of_all_calls(violation, program, claims)
    except TimeoutError:
        if claims:
            return claims
        raise


def _of_all_calls(violation: ViolationError, program: Program, claims: list[Claim]) -> list[Claim]:
    """Claims that do not say what the law would find, after a look for chance and for earlier calls."""
    trial = violation.trial
    is_named = any(each.kind == "mistake" for each in claims)
    if not is_named and _acts_at_random(program, trial.inputs):
        return [Claim.of("two answers")]
    is_located = any(each.kind == "location" for each in claims)
    if is_located and trial.holds_for(InNewProcesses(trial.implementation)):
        return [Claim.of("earlier calls", again=AS_FIRST_CALL)]
    if not claims:
        widest = program.limits.fitted(replace(trial.problem, dtype="float64"))
        claims = _wrong_outputs(program, trial.problem, widest)
    if claims == [NEARLY]:
        claims = [_of_right_call(violation, program)]
    return claims


def _is_inherited(trial: Trial) -> bool:
    """Whether the function is wrong only because its cell, or for gradients its forward pass, is wrong."""
    widest = trial.implementation.limits.fitted(replace(trial.problem, dtype="float64"))
    if isinstance(widest, LayerProblem) and trial.contract.is_backward:
        return follows_wrong_forward(Program(trial.implementation, trial.contract.name), widest)
    return is_inherited(trial)


def _acts_at_random(program: Program, inputs: Inputs) -> bool:
    known = _cache(program).is_random
    if program.function not in known:
        known[program.function] = program.acts_at_random(inputs)
    return known[program.function]


def _of_right_call(violation: ViolationError, program: Program) -> Claim:
    """The claim if an ordinary call on the problem is right, unless it is the first call of a process."""
    trial = violation.trial
    trial.implementation.end_process()
    if wrong_outputs(program.function, program, trial.inputs, program.limits) != NEARLY:
        return Claim.of("earlier calls", again="asked again")
    if not is_far(violation.facts(), TOLERANCE[trial.problem.dtype]):
        return NEARLY
    if trial.holds_for(InNewProcesses(trial.implementation)):
        return Claim.of("earlier calls", again=AS_FIRST_CALL)
    return Claim.of("only in this law")


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
    scope = Scope(limits, problem.network if isinstance(problem, LayerProblem) else None, extreme, whole)
    claims = diagnose(function, program, inputs, scope)
    if not claims and (effect := side_effect(function, program, inputs, scope)):
        claims = [effect]
    if not claims and locating and not CONTRACTS[function].is_backward:
        claims = [*filter(None, [_located(program, problem, widest)])]
    if not claims or (claims[0].kind == "location" and not claims[0].facts["how"]):
        claims = [*filter(None, [right_digits(function, program, inputs, scope)]), *claims]
    if not claims:
        return _beside_cell(program, inputs, scope) or _wrong_outputs(program, problem, widest)
    facts = claims[-1].facts
    if claims[-1].kind == "location" and (facts["when"] is None or not facts["how"]):
        claims += _right_cases(program, problem, widest)
    return claims


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
    known, key = _cache(program).locations, (program.function, limits.dtypes, problem)
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
    contract = CONTRACTS[program.function]
    if contract.is_layer or contract.is_cell or contract.cell not in program.implementation.load().functions:
        return []
    with_right_cell = WithRightCell(program.implementation)
    claims = diagnose(program.function, replace(program, implementation=with_right_cell), inputs, scope)
    if not claims or not with_right_cell.used:
        return []
    return [Claim.of("beside cell", cell=contract.cell, told=vars(claims[0]))]


def _wrong_outputs(program: Program, problem: Problem, widest: Problem) -> list[Claim]:
    """Find which outputs are wrong. `widest` is the problem in the widest dtype that the target supports."""
    function, inputs = program.function, widest.inputs(program.function)
    claim = wrong_outputs(function, program, inputs, program.limits)
    if claim != NEARLY:
        if _is_right_alone(program, inputs):
            claim = NEARLY
        elif entries := wrong_cache_entries(function, program, inputs, program.limits):
            claim = entries
        elif claim:
            claim = _on_ordinary_problems(program, widest, claim)
    elif problem.dtype != widest.dtype:
        in_dtype = wrong_outputs(function, program, problem.inputs(function), program.limits)
        if in_dtype != claim:
            right = Claim.of("right in", dtype=widest.dtype, wrong_in=problem.dtype)
            return [right, in_dtype] if in_dtype else [right]
    return [claim] if claim else []


def _on_ordinary_problems(program: Program, problem: Problem, claim: Claim) -> Claim:
    """The wrong outputs on ordinary problems, if these include all of a claim about one problem."""
    if _is_too_slow(program, problem):
        return claim
    function, inputs = program.function, problem.inputs(program.function)
    network = problem.network if isinstance(problem, LayerProblem) else None
    known, key = _cache(program).ordinary, (function, larger_problem(function, inputs, network))
    if key not in known:
        known[key] = ordinary_outputs(function, program, inputs, program.limits, network)
    ordinary = known[key]
    if ordinary and not ordinary.facts["outputs"]:
        return Claim.of("traces", outputs=claim.facts["outputs"], right=ON_ORDINARY_PROBLEMS)
    names, wrong = ({name for name, _ in each.facts["outputs"]} for each in (claim, ordinary or claim))
    return ordinary if ordinary and names <= wrong else claim


def _right_cases(program: Program, problem: Problem, widest: Problem) -> list[Claim]:
    """In which dtype a problem is right, or else in which cases ordinary problems are right."""
    claim = wrong_outputs(program.function, program, widest.inputs(program.function), program.limits)
    if claim == NEARLY and problem.dtype != widest.dtype:
        return [Claim.of("right in", dtype=widest.dtype, wrong_in=problem.dtype)]
    if claim is None or claim == NEARLY:
        return []
    right = _on_ordinary_problems(program, widest, claim).facts.get("right")
    return [Claim.of("traces", outputs=[], right=right)] if right else []


def _is_right_alone(program: Program, inputs: Inputs) -> bool:
    """Whether a program is right if this is the first call: earlier calls may have made its answer wrong."""
    program.implementation.end_process()
    return program(inputs).is_like(specification(program.function, program.limits)(inputs))


def _cache(program: Program) -> _Cache:
    return _CACHES.setdefault(program.implementation, _Cache())
