"""Finds the arrays that a call overwrites: its arguments, or arrays that an earlier call returned."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, alike
from oracle.diagnosis.findings import Finding, found
from oracle.verdict import Facts
from reference.contract import CONTRACTS


def writing(function: str, shown: Sequence[Behaviour], right: Sequence[Behaviour]) -> Finding | None:
    """The arguments that calls change, and how; `None` if no call changes any.

    The finding says only what is true of each call that changes an argument.
    """
    contract = CONTRACTS[function]
    names = [*contract.arguments, "parameters", "options"]
    calls = [(ours, spec) for ours, spec in zip(shown, right, strict=True) if any(_changed(ours, spec))]
    places = {place for ours, spec in calls for place in _changed(ours, spec)}
    written = [name for i, name in enumerate(names) if any(place.split(".")[1] == str(i) for place in places)]
    if not written:
        return None
    keys, change = _the_same(_keys(function, *each) for each in calls) or ([], "")
    becomes = _the_same(_what_becomes(function, *each) for each in calls) or {}
    return found("writes", arguments=written, keys=keys, change=change, becomes=becomes)


T = TypeVar("T")


def _the_same(every: Iterable[T]) -> T | None:
    """The common value; `None` where values differ, or there are none."""
    found = [*every]
    return found[0] if found and all(each == found[0] for each in found) else None


def _keys(function: str, ours: Behaviour, right: Behaviour) -> tuple[list[str], str]:
    """The keys of parameters or options that are new, gone or changed; empty for other arguments."""
    contract, changed = CONTRACTS[function], {*_changed(ours, right)}
    dict_of = f".{len(contract.arguments) + contract.is_layer}."  # after the list of a layer's parameters
    leaves = sorted(changed - {dict_of})
    if not all(place.startswith(dict_of) for place in leaves):
        return [], ""
    keys = list(dict.fromkeys(place.removeprefix(dict_of).split(".")[0] for place in leaves))
    added, gone = (
        [key for key in keys if not any(f"{at}.".startswith(f"{dict_of}{key}.") for at in given)]
        for given in (right.arguments, ours.arguments)
    )
    if added == keys or gone == keys:
        return keys, "new" if added else "gone"
    return ([], "") if added or gone else (keys, "")


def _what_becomes(function: str, ours: Behaviour, right: Behaviour) -> Facts:
    """The output, or its last step, that all changed arrays are equal to afterwards; empty without one."""
    changed = [ours.arguments.get(place, "") for place in _changed(ours, right)]
    for i, name in enumerate(CONTRACTS[function].outputs):
        output = ours.outputs.get(f".{i}", "")
        if isinstance(output, np.ndarray):
            if all(alike(now, output) for now in changed):
                return {"output": name}
            if output.ndim == 3 and all(alike(now, output[..., -1]) for now in changed):
                return {"output": name, "last_step": True}
    return {}


def overwriting(function: str, shown: Behaviour, later: Behaviour) -> Finding:
    """The parts of an answer that a later call overwrites."""
    every = {name: f".{i}" for i, name in enumerate(CONTRACTS[function].outputs)}
    kept = [name for name, at in every.items() if alike(later.outputs.get(at, ""), shown.outputs.get(at, ""))]
    return found(
        "overwrites",
        outputs=[name for name in every if name not in kept] if kept else [],
        caches=_entries(function, shown, later) if len(kept) == len(every) else [],
        is_all=not kept,
    )


def _entries(function: str, shown: Behaviour, later: Behaviour) -> list[str]:
    """The overwritten entries of the caches, unless all entries or the parameters are overwritten."""
    names = [*CONTRACTS[function].cache]
    depth = 2 if CONTRACTS[function].is_cell else 4
    apart = [at for at, each in shown.caches.items() if not alike(each, later.caches.get(at, ""))]
    places = {at.split(".")[depth] for at in apart if at.count(".") >= depth}
    entries = [name for i, name in enumerate(names) if str(i) in places]
    are_some = entries and len(entries) == len(places) < len(names)
    return entries if are_some else []


def _changed(ours: Behaviour, right: Behaviour) -> Iterator[str]:
    """The places at which an argument has changed."""
    for place in ours.arguments.keys() | right.arguments.keys():
        mine, spec = ours.arguments.get(place, ""), right.arguments.get(place, "")
        if not alike(mine, spec):
            yield place
