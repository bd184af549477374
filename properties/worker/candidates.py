"""Hints at what a target may mean: functions with similar names or other signatures, classes, modules."""

from __future__ import annotations

import difflib
import inspect
import re
from types import ModuleType

from oracle.modules import is_module
from reference.contract import CONTRACTS, Contract


def modules_hint(holder: object) -> str:
    """The classes of modules that a file defines, and how to name one; empty if there are none."""
    found = [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if is_module(value) and value.__module__ == getattr(holder, "__name__", "")
    ]
    likely = [name for name in found if re.search("rnn|lstm|cell", name, re.IGNORECASE)] or found
    return f"has the modules {', '.join(found)}: name one, as in TARGET:{likely[0]}" if found else ""


def classes_hint(holder: object) -> str:
    """A hint at the classes that have some of the functions as methods; empty if there are none."""
    classes = [
        name
        for name, value in getattr(holder, "__dict__", {}).items()
        if isinstance(value, type) and any(hasattr(value, function) for function in CONTRACTS)
    ]
    have = "its class {} has" if len(classes) == 1 else "its classes {} have"
    named = have.format(", ".join(classes))
    return f"; {named} some: judge TARGET:{classes[0]}" if classes else ""


def like_hint(holder: object) -> str:
    """A hint at how to name a function that makes modules of torch; empty if there is none."""
    if isinstance(holder, ModuleType) or not callable(holder):
        return ""
    return "; it is no torch.nn.Module: if calling it makes one, state of which kind by --like torch.nn.LSTM"


def similar_function(name: str, holder: object) -> str:
    """The function with a similar name and the right signature that may be meant; empty if there is none."""
    contract = CONTRACTS[name]
    alike = [
        other
        for other in dir(holder)
        if other not in CONTRACTS
        and contract.kind in other.lower()
        and contract.is_cell == ("cell" in other.lower())
        and inspect.isroutine(function := inspect.getattr_static(holder, other, None))
        and other_signature(contract, function) is None
    ]
    return next(iter(difflib.get_close_matches(name, alike, n=1)), "")


def other_signature(contract: Contract, function: object) -> str | None:
    """The signature of a function if it is not the specification's; `None` if it is, or is not known."""
    if not callable(function):
        return f"{contract.name} of type {type(function).__name__}"
    try:
        signature = inspect.signature(function)
        text = f"{contract.name}{signature}"
    except Exception:  # built-in functions have no signature, and printing a default runs code of the target
        return None
    try:
        signature.bind(*contract.arguments, *contract.last_arguments)
    except TypeError:
        return text if len(text) <= 200 else f"{text[:200]}…"
    return None
