"""Checks one claim of a report: what the claim predicts, against what the program does on fresh problems."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal

import numpy as np

from benchmarks.checked_outputs import what_is_false
from benchmarks.fresh_problems import FIRST_SEED, cases, fresh_problems, ordinary_cases
from oracle.explanations.behaviour import (
    PARTS,
    TOLERANCE,
    Behaviour,
    Leaves,
    mistaken_program,
    program_of,
    relative_error,
    same_leaves,
    specification,
)
from oracle.explanations.candidates import fits, unchanged
from oracle.explanations.changes import Condition, Replacement
from oracle.explanations.claims import Claim
from oracle.explanations.conditions import FeatureTable, are_met
from oracle.explanations.effects import flushed_subnormals, side_effect
from oracle.explanations.observer import (
    Budget,
    Observer,
    OtherStatesError,
    cached_arrays,
    observe,
    settings_of,
)
from oracle.explanations.probe_problems import scaled_inputs
from oracle.explanations.problems import Scope
from oracle.explanations.steps import RESULTS, Steps
from oracle.explanations.wrong_outputs import output_name
from oracle.faults.fault import Fault
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import LayerProblem, Problem
from properties.explanations.claim_search import written
from properties.explanations.inheritance import WithRightCell
from properties.explanations.prediction import fault_of
from properties.explanations.program import DiedError, Program
from reference.contract import CONTRACTS, Array

Grade = Literal["right", "left out", "false"]
ROUNDING = 100
"""How many times the tolerance of a diagnosis is allowed: fresh problems have large numbers, too."""
NEARBY = 8
"""The number of problems that differ by a few units roundoff from one whose prediction was not met."""
FEW = 5
"""The number of fresh problems for a claim whose check makes many calls."""


@dataclass(frozen=True)
class Check:
    """The grade of a claim, and what refutes it or why it is left out."""

    grade: Grade
    why: str = ""


RIGHT = Check("right")


def check(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    """Check a claim about the failures of a function on the `shown` problems."""
    program.implementation.end_process()
    try:
        if fault := fault_of(claim, program.function):
            return _prediction(claim, fault, program, shown)
        if claim.kind == "broke":
            return Check("false", "the search broke")
        if claim.kind in _CHECKS:
            return _CHECKS[claim.kind](claim, program, shown)
    except DiedError:
        return Check("left out", "the program died")
    except OtherStatesError:
        return Check("left out", "a shorter sequence has other states")
    return Check("left out", "the claim says nothing that can be tested")


def is_same(ours: Leaves, theirs: Leaves, dtype: str) -> bool:
    """Whether all leaves are equal within rounding in a dtype."""
    if ours.keys() != theirs.keys():
        return False
    limit = min(ROUNDING * TOLERANCE[dtype], 1e-4) if dtype != "float16" else TOLERANCE[dtype]
    for path, one in ours.items():
        other = theirs[path]
        if isinstance(one, str) or isinstance(other, str):
            if not (isinstance(one, str) and isinstance(other, str) and one == other):
                return False
        elif one.shape != other.shape or relative_error(one, other) > limit:
            return False
    return True


def _raised(answer: Behaviour) -> bool:
    return "" in answer.outputs


def _prediction(claim: Claim, fault: Fault, program: Program, shown: Sequence[Problem]) -> Check:
    """Whether the program that does what the claim says gives the answers of the target."""
    function, limits = program.function, program.limits
    if _acts_at_random(fault, function, shown[0]):
        return _two_answers(claim, program, shown)
    if _remembers(fault, function, shown[0]):
        return _memory(claim, fault, program, shown)
    predicted, right = mistaken_program(function, fault, limits), specification(function, limits)
    when = claim.facts.get("when", ()) if claim.kind == "mistake" else ()
    is_shown = False
    for k, (text, inputs) in enumerate(cases(function, claim, shown, limits)):
        then = replace(inputs, x=inputs.x + 1) if k % 5 == 4 else None
        ours, theirs, spec = (each(inputs, then) for each in (program, predicted, right))
        if _raised(ours):
            continue
        is_met = are_met(function, inputs, [Condition(**each) for each in when or ()])
        wrong = next((part for part in PARTS if not _same(part, theirs, spec, inputs.dtype)), "")
        parts = PARTS[: PARTS.index(wrong) + 1] if wrong and is_met else PARTS[:1]
        allowed = [theirs if is_met else spec] + ([spec] if when is None else [])
        if claim.is_located:  # of cached arrays, a location tells only which equations do not hold
            ours, *allowed = (
                of_changed_entries(each, theirs, spec, inputs.dtype) for each in (ours, *allowed)
            )
        if not any(all(_same(part, ours, each, inputs.dtype) for part in parts) for each in allowed):
            if is_unstable(predicted, inputs, then):
                continue
            is_right = _same("outputs", ours, spec, inputs.dtype)
            said = "otherwise wrong" if is_met else "wrong where the claim says that it is right"
            return Check("false", f"{text}: the program is {'right' if is_right else said}")
        is_wrong = not all(_same(part, ours, spec, inputs.dtype) for part in parts)
        is_shown |= bool(wrong) and is_met and is_wrong
    return RIGHT if is_shown else Check("left out", "no problem shows the mistake")


def of_changed_entries(answer: Behaviour, predicted: Behaviour, right: Behaviour, dtype: Any) -> Behaviour:
    """The answer with only the cached arrays that are predicted to be wrong."""
    names = predicted.caches.keys() & right.caches.keys() & answer.caches.keys()
    changed = {
        name: answer.caches[name]
        for name in names
        if not is_same({"": predicted.caches[name]}, {"": right.caches[name]}, str(dtype))
    }
    return replace(answer, caches=changed)


def is_unstable(
    predicted: Callable[[Inputs, Inputs | None], Behaviour], inputs: Inputs, then: Inputs | None
) -> bool:
    """Whether an error of a few units roundoff in x or in the parameters changes a prediction.

    A mistake that rounds may round two states that differ by an error of rounding to different numbers, which
    are far apart. Then nobody can tell which answer the mistake gives.
    """
    eps, first = np.finfo(inputs.dtype).eps, predicted(inputs, then)
    for k in range(1, NEARBY + 1):
        near = scaled_inputs(scaled_inputs(inputs, ("x",), 1 + k * eps), ("W", "b"), 1 - k * eps)
        if not _same("outputs", first, predicted(near, then), inputs.dtype):
            return True
    return False


def _acts_at_random(fault: Fault, function: str, shown: Problem) -> bool:
    mistaken, inputs = mistaken_program(function, fault), shown.inputs(function)
    return fault.group == "purity" and not mistaken(inputs).is_like(mistaken(inputs))


def _remembers(fault: Fault, function: str, shown: Problem) -> bool:
    """Whether a mistake keeps something from call to call."""
    fault = replace(fault, memory={})
    program_of(fault, function, ANYTHING)(shown.inputs(function))
    return any(fault.memory.values())


def _memory(claim: Claim, fault: Fault, program: Program, shown: Sequence[Problem]) -> Check:
    """Whether a mistake with a memory gives the answers of the target to calls of equal shapes.

    Of the calls before these, a program may remember the last one, or one of each shape: no claim says which.
    """
    function, limits = program.function, program.limits
    right, is_shown = specification(function, limits), False
    for text, inputs in cases(function, claim, shown, limits):
        program.implementation.end_process()
        predicted = mistaken_program(function, fault, limits)
        other = replace(inputs, x=inputs.x + 1)
        for each, then in ((inputs, other), (other, None)):
            ours, theirs = program(each, then), predicted(each, then)
            if not _raised(ours) and not _same("outputs", ours, theirs, inputs.dtype):
                return Check("false", f"{text}: the program is otherwise wrong")
            is_shown |= not _same("outputs", ours, right(each), inputs.dtype)
    return RIGHT if is_shown else Check("left out", "no problem shows the mistake")


def _same(part: str, ours: Behaviour, theirs: Behaviour, dtype: Any) -> bool:
    return is_same(getattr(ours, part), getattr(theirs, part), str(dtype))


def _location(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    """Check *where*, *when* and *how* of a location that predicts no whole answers, each on all steps."""
    facts = claim.facts
    targets = facts["where"]
    how = Replacement(**facts["how"]) if facts["how"] else None
    steps = [*_steps(claim, program, shown)]
    firsts = [(text, each.first_wrong) for text, each in steps if each.first_wrong]
    before = [(text, name) for text, name in firsts if RESULTS.index(name) < RESULTS.index(targets[0])]
    if before:
        return Check("false", f"{before[0][0]}: {before[0][1]} is wrong before {targets[0]}")
    target = targets[0]
    found = [each for _, each in steps if target in each.shown]
    wrong = [each for each in found if each.is_wrong(target)]
    if not wrong:
        return Check("left out", f"no problem shows that {target} is wrong")
    for text, each in steps:
        if how and each.is_wrong(target) and not fits([each], target, how):
            return Check("false", f"{text}: how does not give {target}")
    if facts["when"] is not None:
        conditions = [Condition(**each) for each in facts["when"]]
        excluded = [_may_be_unchanged(each, target, how) for each in found]
        if not FeatureTable.of(found, target, excluded).are_separated_by(conditions):
            return Check("false", f"when does not separate wrong from right {target}")
    return RIGHT


def _may_be_unchanged(steps: Steps, target: str, how: Replacement | None) -> Array:
    """For each element, whether the mistake may leave it right: of whole numbers, many products are equal."""
    if how:
        return unchanged(steps, target, how)
    x = steps.inputs.x
    return np.full(steps.right[target].shape, bool((x == np.round(x)).all()))


def _steps(claim: Claim, program: Program, shown: Sequence[Problem]) -> Iterator[tuple[str, Steps]]:
    function, limits = program.function, program.limits
    if not isinstance(shown[0], LayerProblem):
        for text, inputs in cases(function, claim, shown, limits):
            if found := observe(function, inputs, program, limits):
                yield text, found
        return
    name = claim.facts["setting"]
    setting = next(each for each in settings_of(shown[0], limits) if name in (each.name, each.both))
    observer = Observer(function, Budget(program, 10_000), limits, setting)
    for each in fresh_problems(function, shown, limits):
        fields = {name: getattr(each, name) for name in ("n_x", "n_a", "m", "T_x", "seed", "regime", "dtype")}
        inputs = observer.draw(**fields)
        for found in observer.observe([inputs]):
            yield f"{setting.name or 'one layer'}: {fields}", found


def _two_answers(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    few = chain(shown, _few(program, shown))
    acts = any(program.acts_at_random(each.inputs(program.function)) for each in few)
    return RIGHT if acts else Check("false", "calls with equal arguments give equal answers")


def _side_effect(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    function, limits = program.function, program.limits
    for each in chain(shown, _few(program, shown)):
        program.implementation.end_process()
        inputs = each.inputs(function)
        effect = side_effect(function, program, inputs, Scope(limits))
        if claim in (effect, *written(program, inputs, each.network)):
            return RIGHT
    return Check("false", "no problem shows this effect again")


def _few(program: Program, shown: Sequence[Problem]) -> list[Problem]:
    """A few fresh problems in float64."""
    every = fresh_problems(program.function, shown, program.limits, FIRST_SEED + 1000)
    return [each for each in every if each.dtype == "float64"][:: 36 // FEW][:FEW]


def _asked_again(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    if claim.facts["again"] != "asked again":
        return Check("left out", "the command is run")
    inputs = shown[0].inputs(program.function)
    right = specification(program.function, program.limits)(inputs)
    first, second = program(inputs), program(inputs)
    if _same("outputs", first, right, inputs.dtype) or not _same("outputs", second, right, inputs.dtype):
        return Check("false", f"{shown[0]!r}: not first wrong and then right")
    return RIGHT


def _digits(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    """Whether the largest error on ordinary problems is within a digit of what the claim says.

    If the claim names outputs, the others are right.
    """
    function, digits = program.function, claim.facts["digits"]
    right, worst, at = specification(function, program.limits), 0.0, ""
    for text, inputs in ordinary_cases(function, shown, program.limits):
        ours, spec = program(inputs), right(inputs)
        if _raised(ours):
            continue
        for path, leaf in spec.outputs.items():
            mine = ours.outputs.get(path, "")
            if not isinstance(leaf, str) and not isinstance(mine, str) and mine.shape == leaf.shape:
                error, name = relative_error(mine, leaf), output_name(function, path)
                is_named = name in claim.facts.get("outputs", [name])
                if not is_named and error > ROUNDING * TOLERANCE[str(inputs.dtype)]:
                    return Check("false", f"{text}: {name} is wrong, too")
                worst, at = max((worst, at), (error, text))
    if not 10.0 ** -(digits + 2) <= worst <= 10.0 ** (1 - digits):
        return Check("false", f"{at}: the error is {worst:.1g}")
    return RIGHT


def _subnormals(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    for each in _few(program, shown):
        tiny = replace(each, regime="subnormal")
        found = flushed_subnormals(program.function, program, tiny, program.limits)
        if found not in (claim, None):
            return Check("false", f"{tiny!r}: {found.words if found else ''}")
    return RIGHT


def _cached(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    """Whether each entry that the claim names is what the claim says, in caches beside right results."""
    for each in _few(program, shown):
        steps = observe(program.function, each.inputs(program.function), program, program.limits)
        if steps is None:
            continue
        if steps.first_wrong:
            return Check("false", f"{each!r}: {steps.first_wrong} is wrong")
        place, m, T_x = steps.place_of("yt_pred"), steps.place.sizes["m"], steps.place.sizes.get("T_x", 1)
        arrays = cached_arrays(CONTRACTS[program.function], steps.answer, m, T_x)
        for name, what in claim.facts["entries"]:
            quantity, _, is_last = what.partition(" of the last ")
            value = place.look(quantity)
            if is_last:
                last = value.reshape(-1, m, T_x)[:, :, -1:]
                value = np.broadcast_to(last, (len(last), m, T_x)).reshape(value.shape)
            if name not in arrays or relative_error(arrays[name], value) > ROUNDING * TOLERANCE["float64"]:
                return Check("false", f"{each!r}: the cached {name} is not {what}")
    return RIGHT


def _right_in(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    """Whether the shown problems are right in one dtype, and wrong in the other."""
    function, facts = program.function, claim.facts
    right = specification(function, program.limits)
    for each in shown:
        are_right = []
        for dtype in (facts["dtype"], facts["wrong_in"]):
            inputs = replace(each, dtype=dtype).inputs(function)
            are_right.append(same_leaves(program(inputs).outputs, right(inputs).outputs))
        if are_right != [True, False]:
            return Check("false", f"{each!r}: right in {facts['dtype']}: {are_right[0]}")
    return RIGHT


def _traces(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    wrong = what_is_false(claim, program, shown)
    return Check("false", wrong) if wrong else RIGHT


def _beside_cell(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    with_right_cell = replace(program, implementation=WithRightCell(program.implementation))
    return check(Claim(**claim.facts["told"]), with_right_cell, shown)


def _inherited(claim: Claim, program: Program, shown: Sequence[Problem]) -> Check:
    """Whether a function over time is right with a right cell."""
    if CONTRACTS[program.function].is_layer:
        return Check("left out", "the gradients of a layer")
    right = specification(program.function, program.limits)
    with_right_cell = WithRightCell(program.implementation)
    corrected = replace(program, implementation=with_right_cell)
    for text, inputs in cases(program.function, claim, shown, program.limits):
        ours = corrected(inputs)
        if not _same("outputs", ours, right(inputs), inputs.dtype):
            return Check("false", f"{text}: wrong with a right cell, too")
    return RIGHT


_CHECKS: Mapping[str, Callable[[Claim, Program, Sequence[Problem]], Check]] = {
    "location": _location,
    "two answers": _two_answers,
    "order of parameters": _side_effect,
    "writes": _side_effect,
    "overwrites": _side_effect,
    "earlier calls": _asked_again,
    "digits": _digits,
    "subnormals": _subnormals,
    "cached": _cached,
    "right in": _right_in,
    "traces": _traces,
    "beside cell": _beside_cell,
    "inherited": _inherited,
}
"""The check of each kind of claim that predicts something, besides whole answers."""
