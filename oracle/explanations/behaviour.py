"""The behaviour of a call (what it returns, and does to its arguments), and comparisons of behaviours."""

import sys
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

import reference
from oracle.faults import Fault
from oracle.problems.inputs import Inputs
from oracle.problems.limits import ANYTHING, Limits
from reference.contract import CONTRACTS, Array, Contract

Leaves = Mapping[str, Array | str]
"""The leaves of a nested value, by path: an array, or a text for any other object."""

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
        """The behaviour of a call that returned `value`: only what every target with these limits returns.

        Without caches, only the last memory state is kept, since a target without caches may return no other.
        """
        contract = CONTRACTS[function]
        names = contract.outputs
        if isinstance(value, dict):  # of gradients, whose other keys are not compared
            value = {name: value[name] for name in names if name in value}
        has_caches = isinstance(value, (tuple, list)) and contract.returns_caches
        parts = (value[: len(names)], value[len(names) :]) if has_caches else (value, ())
        outputs, caches, given = (_leaves(part) for part in (*parts, arguments))
        for i, (name, shape) in enumerate(names.items()):
            path = f".{i}"
            if not limits.returns(name, shape):
                outputs = {at: leaf for at, leaf in outputs.items() if not f"{at}.".startswith(f"{path}.")}
            elif not limits.caches and name == "c" and isinstance(c := outputs.get(path), np.ndarray):
                outputs[path] = c[:, :, -1:] if c.ndim == 3 else c
        return cls(outputs, caches if limits.caches else {}, given)

    @classmethod
    def of_error(cls) -> "Behaviour":
        """The behaviour of a call that raised; it is the same for all errors."""
        return cls({"": "raised"}, {}, {})

    @property
    def has_raised(self) -> bool:
        """Whether the call raised."""
        return same_leaves(self.outputs, self.of_error().outputs)

    def with_shared_parts(self, other: "Behaviour") -> "Behaviour":
        """This behaviour, with the parts of `other` in place of equal parts, to save memory."""
        equal = [part for part in PARTS if same_leaves(getattr(self, part), getattr(other, part))]
        return replace(self, **{part: getattr(other, part) for part in equal})

    def is_like(self, other: "Behaviour") -> bool:
        """Whether both behaviours are equal within rounding."""
        return all(same_leaves(getattr(self, part), getattr(other, part)) for part in PARTS)


LATER_CALLS = 5
"""The number of later calls before an answer is read. A program may return several buffers in turn."""


class Program(Protocol):
    """Calls a function. With `then`, the answer is read only after later calls with the inputs `then`."""

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """The behaviour of the call."""


def specification(function: str, limits: Limits = ANYTHING) -> Program:
    """The reference as a program, whose behaviour has what a target with these limits returns."""
    return program_of(reference, function, limits)


def mistaken_program(function: str, fault: Fault, limits: Limits = ANYTHING) -> Program:
    """A program that makes a mistake, with an empty memory of earlier calls."""
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
        except Exception:  # a mistake may raise any error
            return Behaviour.of_error()
        return Behaviour.of(function, value, arguments, limits)

    return program


def _is_independent_of_calls(implementation: Any) -> bool:
    """Whether later calls cannot change an answer: true for the reference and for mistakes without memory."""
    of_mistake = isinstance(implementation, Fault) and not any(implementation.memory.values())
    return implementation is reference or of_mistake


def cache_paths(contract: Contract, T_x: int) -> list[str]:
    """The path of the cell's cache of each step in `Behaviour.caches`."""
    return [".0"] if contract.is_cell else [f".0.0.{t}" for t in range(T_x)]


def same_leaves(ours: Leaves, theirs: Leaves, factor: float = 1) -> bool:
    """Whether all leaves are equal within rounding; `factor` multiplies the tolerance."""
    return ours.keys() == theirs.keys() and all(
        same_leaf(mine, theirs[path], factor) for path, mine in ours.items()
    )


def all_same(
    some: Sequence[Behaviour], others: Sequence[Behaviour], part: str = "outputs", factor: float = 1
) -> bool:
    """Whether a part of each behaviour equals the part of the other behaviour, as in `same_leaves`."""
    pairs = zip(some, others, strict=True)
    return all(same_leaves(getattr(one, part), getattr(other, part), factor) for one, other in pairs)


def same_leaf(ours: Array | str, theirs: Array | str, factor: float = 1) -> bool:
    """Whether two leaves are equal within rounding in float64, or in a lower precision if both have it."""
    if isinstance(ours, str) or isinstance(theirs, str):
        return isinstance(ours, str) and isinstance(theirs, str) and ours == theirs
    if ours.shape != theirs.shape:
        return False
    if ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes():
        return True
    error = relative_error(ours, theirs) / factor
    if error <= TOLERANCE["float64"] or error > TOLERANCE["float16"]:
        return error <= TOLERANCE["float64"]  # the same result for every precision
    precision = _precision(ours)
    return precision == _precision(theirs) and error <= TOLERANCE[precision]


def relative_error(ours: Array, theirs: Array) -> float:
    """The largest |ours - theirs| / (1 + |theirs|); NaN equals NaN, and an infinity equals itself."""
    with np.errstate(invalid="ignore", over="ignore"):
        errors = np.abs(ours - theirs) / (1 + np.abs(theirs))
    largest = float(np.max(errors, initial=0.0))
    if np.isnan(largest):
        are_equal = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
        largest = float(np.max(np.where(are_equal, 0.0, np.where(np.isnan(errors), np.inf, errors))))
    return largest


TOLERANCE = {"float16": 1e-1, "float32": 1e-5, "float64": 1e-11}
"""The largest relative error that counts as rounding, by precision."""


def _precision(values: Array) -> str:
    """The lowest precision that holds all values; float64 if they have so few bits that it shows nothing."""
    for dtype, few_bits in (("float16", 5), ("float32", 11)):
        with np.errstate(over="ignore"):
            if np.array_equal(values, values.astype(dtype), equal_nan=True):
                scaled = np.ldexp(np.frexp(values)[0], few_bits)
                has_few_bits = np.all((scaled == np.round(scaled)) | ~np.isfinite(scaled))
                return "float64" if has_few_bits else dtype
    return "float64"


def _leaves(value: Any) -> dict[str, Array | str]:
    """Copies of the leaves of a value, by path. They are copies since a later call may write to the arrays.

    A list equals a tuple with the same entries. A container within itself is the leaf `"itself"`.
    """
    leaves: dict[str, Array | str] = {}
    _gather(value, "", (), leaves, {})
    return leaves


def _gather(
    value: Any, path: str, above: tuple[int, ...], leaves: dict[str, Array | str], copies: dict[int, Array]
) -> None:
    """Add the leaves of a value to `leaves`. An array at several paths, as in caches, is copied once.

    This is no closure, since a closure that calls itself would keep the arrays until a garbage collection.
    """
    if id(value) in above:
        leaves[path] = "itself"
    elif isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
        if id(value) not in copies:
            copies[id(value)] = value.astype(value.dtype if value.dtype.kind == "f" else np.float64)
        leaves[path] = copies[id(value)]
    elif isinstance(value, int) and abs(value) > sys.float_info.max:
        leaves[path] = "a huge number"
    elif isinstance(value, (bool, int, float)):
        leaves[path] = np.asarray(value, np.float64)
    elif isinstance(value, (tuple, list, dict)):
        leaves[f"{path}."] = str(len(value))
        for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
            _gather(entry, f"{path}.{key}", (*above, id(value)), leaves, copies)
    else:
        leaves[path] = getattr(value, "type_name", type(value).__name__)
