"""Finds the functions of a target that can be judged, and functions of helper modules that are to blame."""

from collections.abc import Iterable

import numpy as np

from oracle.explanations.claims import Claim
from oracle.problems.problem import Problem
from properties.implementations.calls import Outcome, Raised, Returned
from properties.implementations.implementation import Implementation
from properties.trials.trial import Trial
from properties.worker.targets import Unusable
from reference.contract import CONTRACTS, Contract

USABLE = "can be used"
PROVIDED = "is provided"
PRESENCE = (USABLE, PROVIDED)
"""The laws about the presence of functions, not about their results."""

PLACEHOLDER_TYPES = ("NoneType", "ellipsis")
"""The types of the placeholders `None` and `...` in error messages."""


def why_unusable(implementation: Implementation) -> str:
    """Why an implementation cannot be loaded; empty if it can."""
    try:
        implementation.load()
    except Unusable as error:  # a file may be deleted during the run
        return str(error)
    return ""


def why_not_judged(implementation: Implementation, function: str) -> Claim | None:
    """The reason why a function cannot be judged; `None` if it can."""
    if reason := why_unusable(implementation):
        return Claim.of("lacking", what="unusable", detail=reason.removeprefix(implementation.target).strip())
    loaded = implementation.load()
    if function not in loaded.functions:
        why, like = loaded.lacking.get(function), loaded.similar.get(function)
        detail = f": {why}" if why else f"; did you mean '{like}'?" if like else ""
        return Claim.of("lacking", what="missing", function=function, detail=detail)
    contract = CONTRACTS[function]
    if signature := loaded.functions[function]:
        expected = ", ".join([*contract.arguments, *contract.last_arguments])
        return Claim.of("lacking", what="signature", function=function, detail=signature, expected=expected)
    if where := placeholder_if_unfinished(implementation, function):
        return Claim.of("lacking", what="unfinished", function=function, detail=where)
    return None


def sentence_why_not_judged(implementation: Implementation, function: str) -> str:
    """Why a function cannot be judged, in a sentence that names the target; empty if it can."""
    if reason := why_unusable(implementation):
        return reason
    finding = why_not_judged(implementation, function)
    return Claim.of("lacking", **finding.facts, target=implementation.target).words if finding else ""


def placeholder_if_unfinished(implementation: Implementation, function: str) -> str:
    """The placeholder in the code of an unfinished function, with its place; empty for a finished function.

    A function is unfinished if its code has a placeholder and a call shows this: the function returns `None`
    or only NaN for an output, or raises an error because it uses a placeholder or a result that it never
    computes. A function that uses any other undefined name is wrong, not unfinished.
    """
    where = implementation.load().unfinished.get(function, "")
    history = implementation.histories[function]
    if where and history.is_unfinished is None:
        problem = implementation.limits.fitted(Problem.of(function, n_x=2, n_a=3, n_y=2, m=3, T_x=4))
        outcome = implementation.call(function, problem.arguments(function))
        history.is_unfinished = _shows_placeholder(outcome, CONTRACTS[function])
    return where if history.is_unfinished else ""


def _shows_placeholder(outcome: Outcome, contract: Contract) -> bool:
    if isinstance(outcome, Raised):
        names: Iterable[str] = PLACEHOLDER_TYPES
        if outcome.type_name in ("NameError", "UnboundLocalError"):
            results = {*contract.results, *contract.cache} - {*contract.arguments}
            names = [f"'{name}'" for name in results]
        return outcome.type_name == "NotImplementedError" or any(name in outcome.message for name in names)
    if not isinstance(outcome, Returned):
        return False
    value = [*outcome.value.values()] if isinstance(outcome.value, dict) else outcome.value
    value = value if isinstance(value, (tuple, list)) else [value]
    outputs = value[: len(contract.outputs)]
    arrays = [each for each in outputs if isinstance(each, np.ndarray) and each.dtype.kind == "f"]
    return any(each is None for each in outputs) or any(np.isnan(each).all() for each in arrays)


TO_REPLACE = (("softmax",), ("sigmoid",), ("sigmoid", "softmax"))
"""The sets of helper functions that are replaced by right functions, one set after the other."""


def helpers_to_blame(trial: Trial) -> list[str]:
    """The functions of helper modules that alone make the law fail: with right functions, the law holds.

    An entry is `"rnn_utils.softmax"`. The list is empty if no helpers are to blame.
    """
    for names in TO_REPLACE if trial.implementation.settings.helpers else ():
        with_right_helpers = trial.implementation.with_right_helpers(*names)
        replaced = with_right_helpers.load().replaced
        if len(replaced) >= len(names) and trial.holds_for(with_right_helpers):
            return [*replaced]
    return []
