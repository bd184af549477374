"""What is told about a program, and the program that does what is told."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Behaviour, Program, mistaken_program, same_leaves, specification
from oracle.explanations.catalogue_search import diagnose, known_fault
from oracle.explanations.changes import Condition
from oracle.explanations.claims import Claim
from oracle.explanations.conditional_mistakes import conditional_mistake, small_inputs
from oracle.explanations.conditions import are_met
from oracle.explanations.location import Location
from oracle.explanations.location_search import locate
from oracle.explanations.probe_problems import inputs_for_conditions
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING
from oracle.problems.problem import LayerProblem, Problem
from reference.contract import CONTRACTS


def told(function: str, program: Program, shown: Problem) -> Claim | None:
    """The first claim about a program: a mistake, perhaps under conditions, or else a location."""
    if found := diagnose(function, program, shown.inputs(function)):
        return found[0]
    conditional = conditional_mistake(function, program, shown, ANYTHING)
    if conditional and conditional.facts.get("when", ()) is not None:
        return conditional
    location = locate(function, program, shown)
    if location and (location.shown or not conditional):
        return location.claim(CONTRACTS[function].kind)
    return conditional


def predicted(function: str, claim: Claim) -> Program | None:
    """The program that does what a claim says; `None` if the claim does not say what a program returns."""
    facts = claim.facts
    if claim.kind == "mistake" and facts.get("when", ()) is not None:
        fault = known_fault(function, facts["names"], facts.get("state", ""))
        assert fault
        conditions = [Condition(**each) for each in facts.get("when", ())]
        mistaken, right = mistaken_program(function, fault), specification(function)

        def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
            is_met = are_met(function, inputs, conditions)
            return (mistaken if is_met else right)(inputs, then)

        return program
    if claim.kind == "location" and facts["shown"]:
        return mistaken_program(function, Location.of(facts).fault(function))
    return None


def differing(
    function: str,
    one: Program,
    other: Program,
    shown: Problem,
    claim: Claim | None = None,
    telling: Problem | None = None,
) -> list[Inputs]:
    """The fresh problems, and perhaps a `telling` one, to which two programs give different answers.

    Some of these problems are on both sides of the conditions of the claim.
    """
    when = claim.facts.get("when") if claim else ()
    conditions = [Condition(**each) for each in when or ()]
    every = chain(
        [each.inputs(function) for each in (shown, telling) if each],
        small_inputs(function, shown, ANYTHING, 5000),
        islice(_aimed(function, shown, conditions), 24),
    )
    with np.errstate(all="ignore"):
        return [
            each for each in every if not same_leaves(one(each).outputs, other(each).outputs, factor=1000)
        ]


def _aimed(function: str, shown: Problem, conditions: Sequence[Condition]) -> Iterator[Inputs]:
    def draw(**fields: Any) -> Inputs:
        names = {"L": "layers", "D": "directions"}
        fields = {names.get(name, name): value for name, value in fields.items()}
        if isinstance(shown, LayerProblem):
            fields = {"directions": shown.directions, "layers": shown.layers, "n_p": shown.n_p, **fields}
            fields["n_p"] = min(fields["n_p"], fields["n_a"])
        if CONTRACTS[function].kind == "rnn":
            fields.pop("n_p", None)
        return Problem.of(function, **fields).inputs(function)

    dtypes = ANYTHING.dtypes[:1]
    yield from inputs_for_conditions(draw, conditions, shown.inputs(function), 77, dtypes)
