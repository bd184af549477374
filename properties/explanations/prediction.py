"""Checks a claim on a failure: the law judges a program that does what the claim says, in the same way."""

from collections.abc import Sequence
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
from properties.implementations.calls import Reply, Request, outcome_of
from properties.implementations.loaded_facts import LoadedFacts
from properties.trials.tally import NotJudgedError
from properties.trials.trial import Trial, ViolationError

PLACES = {"at", "stderr"}
"""The facts about the code of the target, which a prediction does not have."""
NOT_COMPARED = {"allowed", "exact", "expected", "extent", "formulas", "off_by", "raised", "torch", "wrong"}
"""The facts about the oracle, and those about the target that are no exact numbers."""


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
        most = min(10.0 ** (3 - claim.facts["digits"]), NO_RIGHT_DIGIT)
        return False if is_far(violation.facts(), most, floor=0) else None
    fault = fault_of(claim, trial.contract.name)
    if fault is None or fault.group == "purity":
        # Wrong numbers do not explain an argument that is changed, or is another one in a cache.
        is_of_numbers = claim.is_of_numbers or claim.is_located
        return False if violation.is_of_argument and is_of_numbers else None
    when = [Condition(**each) for each in (claim.kind == "mistake" and claim.facts.get("when")) or ()]
    fault = replace(fault, memory={})
    try:
        predicted = trial.violation_by(Predicted(trial, fault, when))
    except NotJudgedError:
        predicted = None
    if predicted is None and any(fault.memory.values()):
        return None  # what the program returns depends on earlier calls
    return predicted is not None and _are_alike(violation, predicted)


def _are_alike(ours: ViolationError, theirs: ViolationError) -> bool:
    """Whether two violations show the same element with the same wrong value, and so with the same error."""
    one, other = ours.facts(), theirs.facts()
    if one.keys() - PLACES != other.keys() - PLACES:
        return False
    have_errors = all(isinstance(each.get("off_by"), dict) for each in (one, other))
    error, predicted = (float(each["off_by"]["bounds"]) if have_errors else 0.0 for each in (one, other))
    if one.get("element") != other.get("element"):
        # Of two elements that are equally wrong, rounding decides which one is shown.
        is_same_output = have_errors and one["element"]["name"] == other["element"]["name"]
        return is_same_output and _are_close(error, predicted, LEAST_TOLERANCE)
    if not isclose(error, predicted, rel_tol=LARGEST_MISFIT, abs_tol=ROUNDING):
        return False
    tolerance = TOLERANCE[ours.trial.problem.dtype]
    return all(_are_close(one[name], other[name], tolerance) for name in one.keys() - PLACES - NOT_COMPARED)


NO_RIGHT_DIGIT = 0.5
"""The relative error from which on a number has no right digit."""
LEAST_TOLERANCE = 1e-6
"""The relative difference of two errors that are equal but for rounding."""
LARGEST_MISFIT, ROUNDING = 0.01, 3
"""How far an error may be from the predicted one: relative to it, and in bounds, since both are rounded."""


def _are_close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two values are equal: numbers within a tolerance, and dicts entry by entry."""
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
        return [Reply(outcome_of(partial(self._call, each.function), each)) for each in requests]

    def _call(self, function: str, given: list[Any]) -> Any:
        is_met = not self._when or are_met(function, self._trial.inputs, self._when, given)
        return getattr(self._fault if is_met else reference, function)(*given)
