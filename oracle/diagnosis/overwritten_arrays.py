"""Finds the arrays that a call overwrites: its arguments, or arrays that an earlier call returned."""

from collections.abc import Iterator, Sequence

from oracle.diagnosis.behaviour import Behaviour, alike
from oracle.diagnosis.findings import Finding, found
from reference.contract import CONTRACTS


def writing(function: str, shown: Sequence[Behaviour], right: Sequence[Behaviour]) -> Finding | None:
    """The arguments that calls write to, with keys of dicts; `None` if calls write to no argument."""
    contract = CONTRACTS[function]
    dicts = ("parameters", "options")
    if contract.is_backward and not contract.is_layer:
        dicts = ("cache" if contract.is_cell else "caches", "")
    names, written = [*contract.arguments, *dicts], set[tuple[int, str]]()
    for ours, spec in zip(shown, right, strict=True):
        for place in _changed(ours, spec):
            _, number, *keys = place.split(".")
            key = next((key for key in keys if key and not key.isdecimal()), "")
            written.add((int(number), key))
    some_keys = {number for number, key in written if key}
    listed = [
        f"{names[number]}[{key!r}]" if key else names[number]
        for number, key in sorted(written)
        if key or number not in some_keys
    ]
    return found("writes", arguments=listed) if listed else None


def overwriting(function: str, shown: Behaviour, later: Behaviour) -> Finding:
    """The outputs that a later call overwrites; if there are none, the caches."""
    every = enumerate(CONTRACTS[function].outputs)
    names = [
        name for i, name in every if not alike(later.outputs.get(f".{i}", ""), shown.outputs.get(f".{i}", ""))
    ]
    return found("overwrites", arrays=names or ["caches"])


def _changed(ours: Behaviour, right: Behaviour) -> Iterator[str]:
    """The paths in the arguments at which a value has changed."""
    for place in ours.arguments.keys() | right.arguments.keys():
        mine, spec = ours.arguments.get(place, ""), right.arguments.get(place, "")
        if not alike(mine, spec):
            yield place
