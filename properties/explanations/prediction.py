"""Checks a claim on a failure: the law judges a program that does what the claim says, in the same way."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import isclose
from typing import Any

import reference
from oracle.explanations.behaviour import TOLERANCE
from oracle.explanations.catalogue_search import known_fault
from oracle.explanations.changes import Condition
from oracle.explanations.claims import Claim, is_far
from oracle.explanations.conditions import are_met
from oracle.explanations.location import Location
from oracle.explanations.misreadings import Misreading
from oracle.faults.fault import Fault
from properties.explanations.program import SameTarget
from properties.implementations.answers import Answers
from properties.implementations.calls import Outcome, Raised, Reply, Request, Returned
from properties.implementations.implementation import Implementation
from properties.implementations.loaded_facts import LoadedFacts
from properties.trials.tally import NotJudgedError
from properties.trials.trial import Trial, ViolationError
from properties.worker.arguments import arrange, rewritten
from properties.worker.codec import decode, encode
from properties.worker.steps import call_in_parts

PLACES = {"at", "stderr"}
"""The facts about the code of the target, which a prediction does not have."""
OF_ORACLE = {"allowed", "exact", "expected", "extent", "formulas", "off_by", "raised", "torch", "wrong"}
"""The facts that do not say what the target returned, or not in numbers that can be compared."""


def fault_of(claim: Claim, function: str) -> Fault | None:
    """The program that does what a claim says; `None` if the claim does not say what the program returns."""
    facts = claim.facts
    if claim.kind == "mistake":
        return known_fault(function, facts["names"], facts.get("state", ""))
    if claim.kind == "location" and facts["shown"]:
        return Location.of(facts).fault(function)
    if claim.kind == "misreading":
        return Misreading.of(facts).fault(function)
    return None


def is_predicted(violation: ViolationError, claim: Claim) -> bool | None:
    """Whether the law fails in the same way for a program that does what the claim says.

    `None` if the claim does not say what the program returns, or this depends on chance or earlier calls.
    """
    trial = violation.trial
    if claim.kind == "digits":  # they were counted in other calls
        return False if is_far(violation.facts(), 10.0 ** (3 - claim.facts["digits"]), floor=0) else None
    fault = fault_of(claim, trial.contract.name)
    if fault is None or fault.group == "purity":
        return None
    when = [Condition(**each) for each in (claim.kind == "mistake" and claim.facts.get("when")) or ()]
    fault = replace(fault, memory={})
    predicted = _violation(trial, Predicted(trial, fault, when))
    if predicted is None and any(fault.memory.values()):
        return None  # what the program returns depends on earlier calls
    return predicted is not None and _are_alike(violation, predicted)


def _violation(trial: Trial, implementation: Implementation) -> ViolationError | None:
    """The violation of the law by another implementation, on the same problem."""
    answers = Answers.to_one(implementation, trial.contract.name, trial.problem)
    with suppress(NotJudgedError):
        try:
            trial.law.check(Trial(trial.law, answers, 0))
        except ViolationError as error:
            return error
    return None


def _are_alike(ours: ViolationError, theirs: ViolationError) -> bool:
    """Whether two violations show the same element with the same wrong value."""
    one, other = ours.facts(), theirs.facts()
    if one.keys() - PLACES != other.keys() - PLACES:
        return False
    if one.get("element") != other.get("element"):
        # Of two elements that are equally wrong, rounding decides which one is shown.
        if not all(isinstance(each.get("off_by"), dict) for each in (one, other)):
            return False
        is_same_output = one["element"]["name"] == other["element"]["name"]
        bounds = one["off_by"]["bounds"], other["off_by"]["bounds"]
        return is_same_output and _are_close(*bounds, LEAST_TOLERANCE)
    tolerance = TOLERANCE[ours.trial.problem.dtype]
    return all(_are_close(one[name], other[name], tolerance) for name in one.keys() - PLACES - OF_ORACLE)


LEAST_TOLERANCE = 1e-6
"""The relative difference of two errors that are equal but for rounding."""


def _are_close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two numbers are equal within a tolerance, two texts are equal, or all that two dicts have."""
    if repr(one) == repr(other):
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_are_close(one[key], other[key], tolerance) for key in one)
    try:
        return isclose(float(one), float(other), rel_tol=tolerance, abs_tol=tolerance)
    except (TypeError, ValueError):
        return False


class Predicted(SameTarget):
    """The target with other functions, which are called in this process as the worker would call them.

    A call has the fault if the arguments meet the conditions, and is otherwise right.
    """

    __slots__ = ("_fault", "_trial", "_when")

    def __init__(self, trial: Trial, fault: Fault, when: Sequence[Condition]) -> None:
        super().__init__(trial.implementation)
        self._trial, self._fault, self._when = trial, fault, when

    def load(self) -> LoadedFacts:
        """The facts of the target."""
        return self.implementation.load()

    def reply_each(self, requests: Sequence[Request], *, time_limit: float | None = None) -> list[Reply]:
        """Answer the requests by the functions of the fault."""
        return [Reply(self._outcome(*decode(bytearray(each.body))[1:])) for each in requests]

    def _outcome(self, name: str, arguments: list[Any], *manner: Any) -> Outcome:
        arrangement, then, _, parts, earlier, in_place = manner
        arranged = partial(arrange, arrangement=arrangement, with_aliases=False)
        copies = arranged(arguments)

        def call(given: list[Any]) -> Any:
            is_met = not self._when or are_met(name, self._trial.inputs, self._when, given)
            return getattr(self._fault if is_met else reference, name)(*given)

        try:
            if earlier:
                given = arranged(earlier)
                call(given)
                copies = rewritten(given, copies, in_place=in_place)
            value = call_in_parts(call, copies, parts) if parts else call(copies)
            for later in then:
                call(arranged(later))
        except Exception as error:
            return Raised(type(error).__name__, str(error), "")
        return Returned(decode(bytearray(encode(value))), copies, False)  # as the worker sends it
