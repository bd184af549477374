"""Finds the mistakes of the catalogue that give the answers of an implementation.

The implementation and each mistake answer the same few problems in the same order. A mistake fits if it gives
the implementation's answers within rounding, and if at least one of these answers is wrong.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from functools import cache, lru_cache
from itertools import combinations
from typing import Any

from oracle.explanations.behaviour import (
    PARTS,
    Behaviour,
    Leaves,
    Program,
    all_same,
    mistaken_program,
    program_of,
    same_leaf,
    same_leaves,
    specification,
)
from oracle.explanations.claims import Claim, mistake
from oracle.explanations.conditional_mistakes import conditional_faults
from oracle.explanations.problems import (
    ORDINARY,
    Scope,
    distinguishing_problems,
    has_more_options,
    opening_problems,
    square_problems,
)
from oracle.faults import Fault, common_mistakes, mistakes_in
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem

MOST_CACHED = 512
"""The largest number of mistakes whose answers are cached; the answers of a mistake take 50 to 400 KB."""


def diagnose(function: str, program: Program, counterexample: Inputs, scope: Scope = ORDINARY) -> list[Claim]:
    """Find the mistakes of the catalogue that fit, the best first.

    If every wrong answer is an error, no mistake is named, since the error says more. If no single mistake
    explains everything, pairs of common mistakes are tried.
    """
    limits, network = scope.limits, scope.network
    problems = distinguishing_problems(function, counterexample, scope)

    def answers(program: Program) -> list[Behaviour]:
        return [*_behaviours(program, [*(each.inputs(function) for each in problems), counterexample])]

    shown = answers(program)
    if all(each.has_raised for each in shown) and not network:
        problems += tuple(map(limits.fitted, square_problems(function)))
        shown = answers(program)
    every_problem = problems
    # Leave out the problems that the function refuses, perhaps for options that the counterexample lacks.
    problems = tuple(
        each
        for each, behaviour in zip(problems, shown, strict=False)
        if not (behaviour.has_raised and has_more_options(each.inputs(function), counterexample))
    )
    if problems != every_problem:
        shown = answers(program)
    right = answers(specification(function, limits))
    wrong = next((part for part in PARTS if not all_same(shown, right, part)), None)
    pairs = zip(shown, right, strict=True)
    if wrong is None or all(ours.is_like(spec) or ours.has_raised for ours, spec in pairs):
        return []

    def fitting(faults: Sequence[Fault], beyond: int = 0) -> list[tuple[int, Claim]]:
        fits = []
        for fault in faults:
            first = _first_outputs(function, fault, limits, network)
            if problems[:2] != every_problem[:2] or same_leaves(shown[0].outputs, first):
                theirs = _with_counterexample(function, fault, limits, problems, counterexample)
                fits.append((_fit(shown, right, theirs, wrong), mistake(*fault.names)))
        return sorted((fit for fit in fits if fit[0] > beyond), key=lambda fit: -fit[0])

    fits = fitting(mistakes_in(function))
    best = max((parts for parts, _ in fits), default=0)
    if best < len(PARTS):
        fits = fitting(_pairs(function), beyond=best) + fits
    # Arguments are entries of caches, so a call that overwrites an argument makes the caches wrong, too.
    whole = scope.whole or (wrong == "caches" and not all_same(shown, right, "arguments"))
    return [finding for parts, finding in fits if parts == len(PARTS) or not whole]


def known_fault(function: str, names: Sequence[str], state: str = "") -> Fault | None:
    """The mistake of `function` with these names, in one state alone if `state` is `a` or `c`."""
    if state or len(names) == 1:
        return conditional_faults(function).get((names[0], state))
    return next((fault for fault in _pairs(function) if [*fault.names] == [*names]), None)


def _with_counterexample(
    function: str, fault: Fault, limits: Limits, problems: tuple[Problem, ...], counterexample: Inputs
) -> Iterator[Behaviour]:
    """The behaviour of a mistake on each problem, which is cached, then on the counterexample."""
    behaviours, memory = _of_mistake(function, fault, limits, problems)
    yield from behaviours
    yield program_of(replace(fault, memory=deepcopy(memory)), function, limits)(counterexample)


@lru_cache(maxsize=MOST_CACHED)
def _of_mistake(
    function: str, fault: Fault, limits: Limits, problems: tuple[Problem, ...]
) -> tuple[Sequence[Behaviour], dict[str, dict[Any, Any]]]:
    """The behaviour of a mistake on each problem, and the memory of the mistake after these calls."""
    program = replace(fault, memory={})
    inputs = [problem.inputs(function) for problem in problems]
    right = _of_specification(function, limits, problems)
    answers = _behaviours(program_of(program, function, limits), inputs)
    return [*map(Behaviour.with_shared_parts, answers, right)], program.memory


@lru_cache(maxsize=MOST_CACHED)
def _of_specification(function: str, limits: Limits, problems: tuple[Problem, ...]) -> Sequence[Behaviour]:
    return [*_behaviours(specification(function, limits), [each.inputs(function) for each in problems])]


@cache
def _first_outputs(function: str, fault: Fault, limits: Limits, network: LayerProblem | None) -> Leaves:
    """The outputs of a mistake for the first problem. They alone exclude nearly all mistakes."""
    first, second = _opening_inputs(function, limits, network)
    return mistaken_program(function, fault, limits)(first, then=second).outputs


@cache
def _opening_inputs(function: str, limits: Limits, network: LayerProblem | None) -> Sequence[Inputs]:
    return [limits.fitted(problem).inputs(function) for problem in opening_problems(function, network)]


def _behaviours(program: Program, inputs: Sequence[Inputs]) -> Iterator[Behaviour]:
    """The behaviour on each problem. If shapes are equal, the first answer is read after the second call."""
    shapes = [(each.x.shape, each.a0.shape) for each in inputs[:2]]
    for k, given in enumerate(inputs):
        yield program(given, then=inputs[1] if k == 0 and shapes[:1] == shapes[1:] else None)


@cache
def _pairs(function: str) -> Sequence[Fault]:
    """All pairs of common mistakes."""
    both = []
    for one, two in combinations(common_mistakes(function), 2):
        with suppress(ValueError):  # which is raised if both change the same equation
            both.append(one + two)
    return both


def _fit(
    shown: Sequence[Behaviour], right: Sequence[Behaviour], answers: Iterator[Behaviour], wrong: str
) -> int:
    """The number of parts in which a mistake behaves like the implementation; 0 if the mistake does not fit.

    `wrong` is the first part in which the implementation differs from the specification. The mistake must
    agree with the implementation in all parts up to `wrong`, and differ clearly from the specification in
    `wrong`. The mistake must also agree and differ in some part of the answers that are not errors.
    """
    needed = PARTS[: PARTS.index(wrong) + 1]
    seen: list[Behaviour] = []
    for behaviour, answer in zip(shown, answers, strict=True):
        if not all(same_leaves(getattr(behaviour, part), getattr(answer, part)) for part in needed):
            return 0
        seen.append(answer)
    if all_same(seen, right, wrong, CLEAR):
        return 0
    answered = [k for k, answer in enumerate(shown) if not answer.has_raised]
    theirs, ours, spec = ([each[k] for k in answered] for each in (seen, shown, right))
    if not any(all_same(theirs, ours, part) and not all_same(theirs, spec, part, CLEAR) for part in PARTS):
        return 0
    rest = PARTS[len(needed) :]
    if not all(_keeps_right_values(seen, shown, right, part) for part in rest):
        return 0
    return len(needed) + sum(all_same(seen, shown, part) for part in rest)


def _keeps_right_values(
    seen: Sequence[Behaviour], shown: Sequence[Behaviour], right: Sequence[Behaviour], part: str
) -> bool:
    """Whether a mistake gives all values of a part that are right in the implementation."""
    return all(
        path in answer and same_leaf(answer[path], value)
        for triple in zip(seen, shown, right, strict=True)
        for answer, ours, spec in [[getattr(behaviour, part) for behaviour in triple]]
        for path, value in ours.items()
        if path in spec and same_leaf(value, spec[path])
    )


CLEAR = 100
"""A difference is clear if it is larger than this number times the tolerance for rounding."""
