"""Finds out what of a target can be judged, and whether a function of a helper module is to blame."""

import numpy as np

from oracle.diagnosis.findings import Finding
from oracle.problem import Problem
from properties.implementations.implementation import (
    Implementation,
    Outcome,
    Raised,
    Returned,
    TargetMissing,
    Unusable,
)
from properties.trials.trial import Trial
from reference.contract import CONTRACTS

USABLE = "can be used"
PROVIDED = "is provided"
PRESENCE = (USABLE, PROVIDED)
"""The laws about the target, not about its results."""

PLACEHOLDER_TYPES = ("NoneType", "ellipsis")
"""The types of placeholders, as error messages name them."""


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
        return Finding.of(
            "lacking", what="unusable", detail=reason.removeprefix(implementation.target).strip()
        )
    loaded = implementation.load()
    if function not in loaded.functions:
        why, like = loaded.lacking.get(function), loaded.similar.get(function)
        detail = f": {why}" if why else f"; did you mean '{like}'?" if like else ""
        return Finding.of("lacking", what="missing", function=function, detail=detail)
    contract = CONTRACTS[function]
    if signature := loaded.functions[function]:
        expected = ", ".join([*contract.arguments, *contract.last_arguments])
        return Finding.of("lacking", what="signature", function=function, detail=signature, expected=expected)
    if where := unfinished(implementation, function):
        return Finding.of("lacking", what="unfinished", function=function, detail=where)
    return None


def lacks(implementation: Implementation, function: str) -> str:
    """Why a function cannot be judged, in a sentence that names the target; empty if it can."""
    if reason := unusable(implementation):
        return reason
    lack = lacking(implementation, function)
    return Finding.of("lacking", **lack.facts, target=implementation.target).words if lack else ""


def unfinished(implementation: Implementation, function: str) -> str:
    """The placeholder in the code of an unfinished function, and its place; empty for a finished one.

    A function is unfinished if its code has a placeholder and a call shows it: the function returns `None` or
    only NaN for an output, or raises because a value or one of its own results is missing. Any other name
    that is missing is an error.
    """
    where = implementation.load().unfinished.get(function, "")
    history = implementation.histories[function]
    if where and history.is_unfinished is None:
        kind = CONTRACTS[function].problem_kind
        sizes = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4, **({} if CONTRACTS[function].is_layer else {"n_y": 2})}
        problem: Problem = implementation.limits.fitted(getattr(Problem, kind)(**sizes))
        history.is_unfinished = _shows_placeholder(
            implementation.call(function, problem.arguments(function)), function
        )
    return where if history.is_unfinished else ""


def _shows_placeholder(reply: Outcome, function: str) -> bool:
    if isinstance(reply, Raised):
        if reply.type_name in ("NameError", "UnboundLocalError"):
            contract = CONTRACTS[function]
            results = {*contract.outputs, *contract.cache, "cache", "caches"} - {*contract.arguments}
            return any(f"'{name}'" in reply.message for name in results)
        return reply.type_name == "NotImplementedError" or any(
            name in reply.message for name in PLACEHOLDER_TYPES
        )
    if not isinstance(reply, Returned):
        return False
    value = [*reply.value.values()] if isinstance(reply.value, dict) else reply.value
    value = value if isinstance(value, (tuple, list)) else [value]
    outputs = value[: len(CONTRACTS[function].outputs)]
    arrays = [each for each in outputs if isinstance(each, np.ndarray) and each.dtype.kind == "f"]
    return any(each is None for each in outputs) or any(np.isnan(each).all() for each in arrays)


TO_REPLACE = (("softmax",), ("sigmoid",), ("sigmoid", "softmax"))
"""The sets of functions to replace by right ones, the smallest first."""


def helpers_to_blame(trial: Trial) -> list[str]:
    """The functions of helper modules, such as `"rnn_utils.softmax"`, that alone make the law fail.

    With right functions in their place the law holds on the problem. Empty if there are none.
    """
    for names in TO_REPLACE if trial.implementation.settings.helpers else ():
        helped = trial.implementation.with_right_helpers(*names)
        replaced = helped.load().replaced
        if len(replaced) >= len(names) and trial.holds_of(helped):
            return [*replaced]
    return []
