"""Whether there is anything to judge: an implementation, and each function of it."""

from properties.answered.implementation import Implementation, Loaded, TargetMissing, Unusable
from properties.judged.unfinished import unfinished
from reference.contract import CONTRACTS

USABLE = "can be used"
PROVIDED = "is provided"
LIMITED = "declared limits"
PRESENCE = (USABLE, PROVIDED, LIMITED)
"""The laws that say whether there is anything to judge, and how much."""


def unusable(implementation: Implementation) -> str:
    """Why nothing of an implementation can be judged; empty where something can."""
    try:
        implementation.load()
    except (Unusable, TargetMissing) as error:  # a file may go while others are judged
        return str(error)
    return ""


def lacks(implementation: Implementation, function: str) -> str:
    """Why a function of an implementation cannot be judged; empty where it can."""
    if reason := unusable(implementation):
        return reason
    loaded = implementation.load()
    if function not in loaded.functions:
        return f"{implementation.target} has no {function}{_why(function, loaded)}"
    contract = CONTRACTS[function]
    expected = ", ".join([*contract.arguments, *contract.at_last])
    signature = loaded.functions[function]
    if signature:
        return f"{signature} is another contract, expected ({expected})"
    where = unfinished(implementation, function)
    return f"{function} of {implementation.target} is not finished: {where}" if where else ""


def _why(function: str, loaded: Loaded) -> str:
    if why := loaded.lacking.get(function):
        return f": {why}"
    like = loaded.similar.get(function)
    return f"; did you mean '{like}'?" if like else ""
