"""Finds out whether an implementation, and each of its functions, can be judged."""

from oracle.diagnosis.findings import Finding, found
from properties.implementations.implementation import Implementation, Loaded, TargetMissing, Unusable
from properties.trials.unfinished_functions import unfinished
from reference.contract import CONTRACTS

USABLE = "can be used"
PROVIDED = "is provided"
PRESENCE = (USABLE, PROVIDED)
"""The laws about the target, not about its results."""


def unusable(implementation: Implementation) -> str:
    """Why an implementation cannot be judged; empty if it can."""
    try:
        implementation.load()
    except (Unusable, TargetMissing) as error:  # a file may be deleted during the run
        return str(error)
    return ""


def lacking(implementation: Implementation, function: str) -> Finding | None:
    """Why a function cannot be judged, as a finding; `None` if it can."""
    if reason := unusable(implementation):
        return found("lacking", what="unusable", detail=reason.removeprefix(implementation.target).strip())
    loaded = implementation.load()
    if function not in loaded.functions:
        return found("lacking", what="missing", function=function, detail=_why(function, loaded))
    contract = CONTRACTS[function]
    if signature := loaded.functions[function]:
        expected = ", ".join([*contract.arguments, *contract.last_arguments])
        return found("lacking", what="signature", function=function, detail=signature, expected=expected)
    if where := unfinished(implementation, function):
        return found("lacking", what="unfinished", function=function, detail=where)
    return None


def lacks(implementation: Implementation, function: str) -> str:
    """Why a function cannot be judged, in a sentence that names the target; empty if it can."""
    if reason := unusable(implementation):
        return reason
    lack = lacking(implementation, function)
    return found("lacking", **lack.facts, target=implementation.target).words if lack else ""


def _why(function: str, loaded: Loaded) -> str:
    if why := loaded.lacking.get(function):
        return f": {why}"
    like = loaded.similar.get(function)
    return f"; did you mean '{like}'?" if like else ""
