"""Checks the claims that list wrong outputs, on the shown problems and on ordinary ones."""

from collections.abc import Sequence
from dataclasses import replace

from oracle.explanations.claims import ON_ORDINARY_PROBLEMS, Claim
from oracle.explanations.wrong_outputs import CASES, in_case, inputs_with, ordinary_problems, wrong_outputs
from oracle.problems.problem import Problem
from properties.explanations.program import Program


def what_is_false(claim: Claim, program: Program, shown: Sequence[Problem]) -> str:
    """What is false in a claim of wrong outputs; empty if it is true.

    A claim about one problem names exactly the wrong outputs of the shown problems, with their places. A
    claim about ordinary problems names the wrong outputs of those, among them all of the shown problems, the
    cases in which all outputs are right, and perhaps the fewer wrong outputs of the shown problem.
    """
    named, here = ([*map(list, claim.facts.get(part, ()))] for part in ("outputs", "here"))
    right = claim.facts.get("right")
    of_ordinary = right is not None and right != ON_ORDINARY_PROBLEMS
    for each in shown if named else ():
        program.implementation.end_process()
        found = wrong_outputs(program.function, program, each.inputs(program.function), program.limits)
        wrong = [*map(list, found.facts.get("outputs", ()))] if found else []
        is_true = bool(wrong) and _names(wrong) <= _names(named) if of_ordinary else wrong == named
        is_true &= not here or wrong == here
        if not is_true:
            return f"{each!r}: {found.words if found else 'another form'}"
    return "" if right is None else _what_is_false_on_ordinary(claim, program, shown[0])


def _what_is_false_on_ordinary(claim: Claim, program: Program, shown: Problem) -> str:
    function, right = program.function, claim.facts["right"]
    problems = ordinary_problems(function, shown.inputs(function), shown.network, range(50, 58))
    seen = set[str]()
    for number, each in enumerate(problems):
        problem = replace(each, m=each.m + number % 3, T_x=each.T_x + number % 2)
        for case in ("", *right):
            fitted = program.limits.fitted(replace(problem, **CASES.get(case, {})))
            inputs = in_case(case, fitted.inputs(function))
            found = wrong_outputs(function, program, inputs, program.limits)
            wrong = _names(found.facts.get("outputs", ())) if found else {"another form"}
            if wrong and (case or right == ON_ORDINARY_PROBLEMS):
                return f"{fitted!r}: wrong are {', '.join(wrong)}"
            seen |= wrong
        for name, value in claim.facts.get("unless", {}).items():
            inputs = inputs_with(name, value, function, problem, program.limits)
            found = wrong_outputs(function, program, inputs, program.limits)
            if found and found.kind == "nearly":
                return f"{problem!r} with {name} = {value}: the program is right"
    named = set[str]() if right == ON_ORDINARY_PROBLEMS else _names(claim.facts["outputs"])
    always = named - {*claim.facts.get("sometimes", ())}  # the others were wrong on other problems
    is_false = claim.facts["outputs"] and not always <= seen <= named
    return f"wrong on ordinary problems are {', '.join(seen)}" if is_false else ""


def _names(outputs: Sequence[Sequence[str]]) -> set[str]:
    return {name for name, _ in outputs}
