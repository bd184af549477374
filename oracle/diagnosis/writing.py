"""What a call writes to that is not its own: its arguments, and what an earlier call has returned."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from oracle.diagnosis.agreeing import DTYPE, agreeing
from oracle.diagnosis.behaviour import Behaviour, Program, alike, same
from oracle.limits import Limits
from oracle.problem import Problem
from reference.contract import CONTRACTS, Array


def writing(function: str, shown: Sequence[Behaviour], right: Sequence[Behaviour]) -> list[str]:
    """To which arguments it writes, and what, by some calls and what is right; nothing where to none."""
    names = [*CONTRACTS[function].arguments, "parameters", "options"]
    places = {place for ours, spec in zip(shown, right, strict=True) for place in _changed(ours, spec)}
    written = [name for i, name in enumerate(names) if any(place.split(".")[1] == str(i) for place in places)]
    return [f"it writes to {' and '.join(written)}{_what(function, shown[-1], right[-1])}"] if written else []


def _what(function: str, ours: Behaviour, right: Behaviour) -> str:
    """Which keys of the parameters are new or are changed, and what they or an argument become, if known."""
    contract, changed = CONTRACTS[function], {*_changed(ours, right)}
    dict_of = f".{len(contract.arguments)}."
    leaves = sorted(changed - {dict_of})
    added = [place.removeprefix(dict_of) for place in leaves if place not in right.arguments]
    if len(added) == len(leaves) and not any(not key or "." in key for key in added):
        keys = ", ".join(map(repr, added))
        return "" if contract.is_layer or not added else f": the new key{'s' * (len(added) > 1)} {keys}"
    pairs = [(ours.arguments.get(place, ""), right.arguments.get(place, "")) for place in leaves]
    become = _what_becomes(function, ours, pairs)
    if contract.is_layer or not all(place.startswith(dict_of) for place in leaves):
        return f": {become}" if become else ""
    keys = ", ".join(place.removeprefix(dict_of) for place in leaves)
    return f": {keys}" + (f" {'become' if len(leaves) > 1 else 'becomes'} {become}" if become else "")


def _what_becomes(function: str, ours: Behaviour, pairs: Sequence[tuple[Array | str, Array | str]]) -> str:
    """An output, its last step, or a multiple, which each of some arrays is now, by what it was."""
    outputs = {name: ours.outputs.get(f".{i}", "") for i, name in enumerate(CONTRACTS[function].outputs)}
    for name, output in outputs.items():
        if all(alike(array, output) for array, _ in pairs):
            return f"what it returns as {name}"
        last = output[..., -1] if isinstance(output, np.ndarray) and output.ndim == 3 else ""
        if all(alike(array, last) for array, _ in pairs):
            return f"the last step of what it returns as {name}"
    factors = {_factor(array, before) for array, before in pairs}
    return f"{factors.pop():g} times what was there" if len(factors) == 1 and 0.0 not in factors else ""


def _factor(array: Array | str, before: Array | str) -> float:
    """By what an array is multiplied; 0 if by nothing, or by no one number."""
    if isinstance(array, str) or isinstance(before, str) or array.shape != before.shape or not before.any():
        return 0.0
    largest = np.unravel_index(np.abs(before).argmax(), before.shape)
    factor = float(array[largest] / before[largest])
    return float(f"{factor:.6g}") if alike(array, factor * before) else 0.0


def overwriting(
    function: str,
    implementation: Program,
    asked: Problem,
    shown: Behaviour,
    later: Behaviour,
    limits: Limits,
) -> str:
    """What a later call has made of an answer that was `shown`, and which later calls do so."""
    others = [dtype for dtype in limits.dtypes if dtype != asked.dtype]

    def overwrites(names: Sequence[str]) -> bool:
        dtype = others[0] if DTYPE in names else asked.dtype
        for by in (1, -1):  # a buffer may be kept for what is no larger
            sizes = {name: getattr(asked, name) + by for name in names if name != DTYPE}
            other = replace(asked, **sizes, seed=1, dtype=dtype)
            later = implementation(asked.inputs(function), then=other.inputs(function))
            if not (same(later.outputs, shown.outputs) and same(later.caches, shown.caches)):
                return True
        return False

    names = [name for name in asked.varies if name != "T_x" or not CONTRACTS[function].is_cell]
    which = agreeing([*names, *([DTYPE] if others else [])], overwrites)
    whose = f" of its {which}" if which else ""
    return f"a later call{whose} overwrites {_which(function, shown, later)} an earlier one has returned"


def _which(function: str, shown: Behaviour, later: Behaviour) -> str:
    """The outputs that are overwritten; what is returned, if that is all, or not to be told."""
    every = {name: f".{i}" for i, name in enumerate(CONTRACTS[function].outputs)}
    kept = [name for name, at in every.items() if alike(later.outputs.get(at, ""), shown.outputs.get(at, ""))]
    if not kept:
        return "what"
    return f"the {' and '.join(name for name in every if name not in kept) or 'caches'} that"


def _changed(ours: Behaviour, right: Behaviour) -> Iterator[str]:
    """Where an argument is not what it was."""
    for place in ours.arguments.keys() | right.arguments.keys():
        mine, spec = ours.arguments.get(place, ""), right.arguments.get(place, "")
        if not alike(mine, spec):
            yield place
