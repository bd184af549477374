"""Renders the facts of a violation in words, for the terminal, the reports and the pages."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite, isinf, isnan
from typing import Any

from oracle.verdict import Facts

FAR = 0.1
"""A relative error that is larger than rounding in any precision."""

LARGEST_ULP = 1e4
"""Larger errors in ulp are not shown."""

_LABELS = {"died": "call"}
"""The labels that are not the names of facts. The fact `died` says whether a call crashed or hung."""


def in_words(facts: Facts) -> dict[str, str]:
    """The text of each fact, by label."""
    said = {
        fact["asked"] if name == "again" else _LABELS.get(name, name.replace("_", " ")): _rendered(name, fact)
        for name, fact in facts.items()
    }
    if "again" in facts:
        said["wrong"] += ": its two answers must agree"
    return said


def is_far(facts: Facts) -> bool:
    """Whether the error of an answer is larger than rounding in any precision."""
    right = facts.get("exact") or facts.get("again")
    if not right:
        return False
    ours, theirs = float(facts["implementation"]), float(right["value"])
    if ours == theirs or (isnan(ours) and isnan(theirs)):
        return False
    are_numbers = isfinite(ours) and isfinite(theirs)
    return not are_numbers or abs(ours - theirs) > FAR * (1 + abs(theirs))


def _rendered(name: str, fact: Any) -> str:
    if isinstance(fact, float):
        return repr(fact)
    if isinstance(fact, (Mapping, list)):
        return _RENDERERS[name](fact)
    return str(fact)


def _element(fact: Facts) -> str:
    if "index" in fact:
        return f"{fact['name']}{fact['index']}"
    step = f", step {fact['step']}" if "step" in fact else ""
    return f"{fact['name']}[{fact['row']}, sample {fact['sample']}{step}]"


def _allowed(fact: Facts) -> str:
    if "difference" in fact:
        how_far = f"a difference of {float(fact['difference']):.2g}"
    else:
        how_far = f"{float(fact['error']):.2g} from the exact value"
    return f"{how_far}, by rounding in {fact['dtype']}"


def _off_by(fact: Facts) -> str:
    bounds, ulp = float(fact["bounds"]), float(fact["ulp"])
    if isinf(bounds):  # the bound is 0, or the answer is not finite
        return (
            f"{ulp:.2g} ulp, where no error is allowed" if isfinite(ulp) else "more than any rounding error"
        )
    said = f"{bounds:.2g} times that"
    return f"{said}, {ulp:.2g} ulp" if ulp < LARGEST_ULP else said


def _wrong(who: Sequence[str]) -> str:
    if len(who) == 2:
        return "both the implementation and torch"
    if not who:
        return "neither: both are within the bound, so the bound is at fault; please report it"
    return who[0] if who[0] == "torch" else f"the {who[0]}"


_RENDERERS: Mapping[str, Callable[[Any], str]] = {
    "element": _element,
    "exact": lambda fact: str(fact["digits"]),
    "again": lambda fact: str(fact["value"]),
    "allowed": _allowed,
    "off_by": _off_by,
    "wrong": _wrong,
    "extent": lambda fact: f"{fact['wrong']} of {fact['of']} elements of {fact['name']}",
    "raised": lambda fact: f"{fact['type']}: {fact['text']}",
}
"""The functions that render facts with several parts, by the name of the fact."""
