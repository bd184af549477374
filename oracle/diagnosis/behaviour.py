"""The behaviour of a call, and the comparison of two behaviours."""

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

import reference
from oracle.faults import Fault
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from reference.contract import CONTRACTS, Array

Leaves = Mapping[str, Array | str]
"""The leaves of a nested value by path: arrays, and texts for all other objects."""

PARTS = ("outputs", "caches", "arguments")
"""The parts of a behaviour. Outputs come first: wrong outputs make caches wrong, but not the reverse."""


@dataclass(frozen=True)
class Behaviour:
    """The returned values of a call, and its arguments after the call."""

    outputs: Leaves
    caches: Leaves
    arguments: Leaves

    @classmethod
    def of(
        cls, function: str, value: Any, arguments: Sequence[Any], limits: Limits = ANYTHING
    ) -> "Behaviour":
        """The behaviour of a call that returned `value`.

        It has only the values that every target with these limits returns. A target without caches may return
        only the last memory state.
        """
        contract = CONTRACTS[function]
        names = contract.outputs
        if contract.is_backward and isinstance(value, dict):  # other keys do not matter
            value = {name: value[name] for name in names if name in value}
        has_caches = isinstance(value, (tuple, list)) and not contract.is_backward
        parts = (value[: len(names)], value[len(names) :]) if has_caches else (value, ())
        outputs, caches, given = (_leaves(part) for part in (*parts, arguments))
        for i, (name, shape) in enumerate(names.items()):
            place = f".{i}"
            if not limits.shows(name, shape):
                outputs = {at: leaf for at, leaf in outputs.items() if not f"{at}.".startswith(f"{place}.")}
            elif not limits.caches and name == "c" and isinstance(c := outputs.get(place), np.ndarray):
                outputs[place] = c[:, :, -1:] if c.ndim == 3 else c
        return cls(outputs, caches if limits.caches else {}, given)

    @classmethod
    def of_error(cls) -> "Behaviour":
        """The behaviour of a call that raised; it is the same for all errors."""
        return cls({"": "raised"}, {}, {})

    def sharing(self, other: "Behaviour") -> "Behaviour":
        """This behaviour, with the other's parts in place of equal parts, to save memory."""
        equal = [part for part in PARTS if same(getattr(self, part), getattr(other, part))]
        return replace(self, **{part: getattr(other, part) for part in equal})

    def is_like(self, other: "Behaviour") -> bool:
        """Whether both behaviours are equal within rounding."""
        return all(same(getattr(self, part), getattr(other, part)) for part in PARTS)


LATER_CALLS = 5
"""The number of later calls before an answer is read, since a program may alternate between buffers."""


class Program(Protocol):
    """Calls a function. With `then`, the answer is read after later calls with the inputs `then`."""

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """The behaviour of the call."""


def specification(function: str, limits: Limits = ANYTHING) -> Program:
    """The reference as a program. It returns the values that a target with these limits returns."""
    return program_of(reference, function, limits)


def mistaken(function: str, fault: Fault, limits: Limits = ANYTHING) -> Program:
    """A program with a mistake, and without memory of earlier calls."""
    return program_of(replace(fault, memory={}), function, limits)


def program_of(implementation: Any, function: str, limits: Limits) -> Program:
    """A program that calls a function of an implementation in this process."""

    def program(inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        arguments = deepcopy(inputs.arguments(function))
        try:
            with np.errstate(all="ignore"):
                value = getattr(implementation, function)(*arguments)
                if then and not _is_independent_of_calls(implementation):
                    for _ in range(LATER_CALLS):
                        getattr(implementation, function)(*deepcopy(then.arguments(function)))
        except Exception:  # a mistake may raise anything
            return Behaviour.of_error()
        return Behaviour.of(function, value, arguments, limits)

    return program


def _is_independent_of_calls(implementation: Any) -> bool:
    """Whether later calls cannot change an answer: true for the reference and for mistakes without memory."""
    of_mistake = isinstance(implementation, Fault) and not any(implementation.memory.values())
    return implementation is reference or of_mistake


def same(ours: Leaves, theirs: Leaves, factor: float = 1) -> bool:
    """Whether all leaves are equal, within rounding in the precision of the values."""
    return ours.keys() == theirs.keys() and all(
        alike(mine, theirs[place], factor) for place, mine in ours.items()
    )


def alike(ours: Array | str, theirs: Array | str, factor: float = 1) -> bool:
    """Whether two leaves are equal within rounding in float64, or in the lower precision that both have."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return isinstance(ours, str) and isinstance(theirs, str) and ours == theirs
    if ours.shape != theirs.shape:
        return False
    if ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes():
        return True
    off = off_by(ours, theirs) / factor
    if off <= _TOLERANCE["float64"] or off > _TOLERANCE["float16"]:
        return off <= _TOLERANCE["float64"]  # the same result for every precision
    precision = _precision(ours)
    return precision == _precision(theirs) and off <= _TOLERANCE[precision]


def off_by(ours: Array, theirs: Array) -> float:
    """The largest |ours - theirs| / (1 + |theirs|); NaN equals NaN, and an infinity equals itself."""
    with np.errstate(invalid="ignore", over="ignore"):
        off = np.abs(ours - theirs) / (1 + np.abs(theirs))
    worst = float(np.max(off, initial=0.0))
    if np.isnan(worst):
        as_good = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        off = np.where(as_good, 0.0, np.where(np.isnan(off), np.inf, off))
        worst = float(np.max(off))
    return worst


_TOLERANCE = {"float16": 1e-1, "float32": 1e-5, "float64": 1e-11}


def _precision(values: Array) -> str:
    """The lowest precision that holds all values; float64 for simple values, which every precision holds."""
    for dtype, simple in (("float16", 5), ("float32", 11)):
        with np.errstate(over="ignore"):
            if np.array_equal(values, values.astype(dtype), equal_nan=True):
                return "float64" if _fit_in(values, simple) else dtype
    return "float64"


def _fit_in(values: Array, bits: int) -> bool:
    """Whether all values have at most this number of significant bits."""
    scaled = np.ldexp(np.frexp(values)[0], bits)
    return bool(np.all((scaled == np.round(scaled)) | ~np.isfinite(scaled)))


def _leaves(value: Any) -> dict[str, Array | str]:
    """Copies of the leaves of a value by path, since a later call may write to its arrays.

    Lists and tuples count as equal. A container that contains itself has the leaf `"itself"`.
    """
    leaves: dict[str, Array | str] = {}
    _gather(value, "", (), leaves, {})
    return leaves


def _gather(
    value: Any, place: str, above: tuple[int, ...], leaves: dict[str, Array | str], copies: dict[int, Array]
) -> None:
    """Add the leaves of a value at a path. An array with several paths, as in caches, is copied once.

    This function is no closure: a closure that calls itself would keep the arrays until a garbage collection.
    """
    if id(value) in above:
        leaves[place] = "itself"
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        if id(value) not in copies:
            copies[id(value)] = value.astype(value.dtype if value.dtype.kind == "f" else np.float64)
        leaves[place] = copies[id(value)]
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        leaves[place] = "a huge number"
    elif isinstance(value, (bool, int, float)):
        leaves[place] = np.asarray(value, np.float64)
    elif isinstance(value, (tuple, list, dict)):
        leaves[f"{place}."] = str(len(value))
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            _gather(entry, f"{place}.{key}", (*above, id(value)), leaves, copies)
    else:
        leaves[place] = getattr(value, "type_name", type(value).__name__)
