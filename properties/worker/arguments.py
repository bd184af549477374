"""Prepares the arguments of a call: the memory layout of arrays, and other names of parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from numpy import asarray, empty, flip, ndarray

from reference.contract import Array

Arrangement = Literal["C", "fortran", "updated", "retrained", "read-only", "strided", "reversed", "swapped"]
"""The memory layouts of the arguments, the most common first."""

ALIASES: Mapping[str, str] = {"Wu": "Wi", "bu": "bi"}
"""Other names of the update gate's parameters, with their names in the specification."""


class AliasedParameters(dict[str, Any]):
    """The specification's parameters, which are also found under their aliases."""

    def __missing__(self, key: str) -> Any:
        if key in ALIASES:
            return self[ALIASES[key]]
        raise KeyError(key)


def misses_an_alias(error: BaseException) -> bool:
    """Whether the error is a failed look-up of a parameter by its alias."""
    return isinstance(error, KeyError) and any(type(key) is str and key in ALIASES for key in error.args)


def arranged(arguments: Sequence[Any], arrangement: Arrangement, *, aliased: bool) -> list[Any]:
    """Deep copies of the arguments, with each array in this layout.

    A dict that occurs several times, such as the parameters in the caches of all steps, is copied once.

    `"swapped"` has the other byte order; `"strided"` has a gap after each element on every axis; `"reversed"`
    is a view with negative strides. `"updated"` and `"retrained"` have the usual layout; such a call follows
    a call with `earlier_numbers`.
    """
    layout = _LAYOUTS[arrangement]
    container = AliasedParameters if aliased else dict
    copies: dict[int, Any] = {}  # of dicts, by id

    def laid_out(value: Any) -> Any:
        if isinstance(value, dict):
            if id(value) not in copies:
                copies[id(value)] = container((key, laid_out(entry)) for key, entry in value.items())
            return copies[id(value)]
        if isinstance(value, (list, tuple)):
            return type(value)(laid_out(entry) for entry in value)
        return layout(value) if isinstance(value, ndarray) else value

    return [laid_out(argument) for argument in arguments]


@contextmanager
def earlier_numbers(arguments: Sequence[Any], arrangement: Arrangement) -> Iterator[None]:
    """Give the arguments other numbers within this context, as before a step of training.

    Parameters are halved: with `"updated"` half of them in place and half as new arrays, with `"retrained"`
    all as new arrays. With `"updated"`, the other arrays are quartered in place, so that a cached product
    differs for each factor. Afterwards, all arrays have their numbers again, whatever the target wrote into
    them; an array that the target froze or reshaped is replaced by a copy.
    """
    are_updated = arrangement == "updated"
    later, scaled = [], 0
    for holder, key in _places(arguments, set()):
        array = holder[key]
        numbers, is_parameter = array.copy(), isinstance(holder, dict)
        later.append((holder, key, array, numbers))
        if array.dtype.kind != "f":
            continue
        scaled += 1
        if is_parameter and (scaled % 2 or not are_updated):
            holder[key] = 0.5 * numbers
        elif are_updated:
            array *= 0.5 if is_parameter else 0.25
    try:
        yield
    finally:
        for holder, key, array, numbers in later:
            holder[key] = array
            if array.flags.writeable and array.shape == numbers.shape:
                array[...] = numbers
            else:
                holder[key] = numbers


def _places(holder: Any, seen: set[int]) -> Iterator[tuple[Any, Any]]:
    """The list or dict and the key of each array, once. Entries of tuples cannot be replaced."""
    for key, entry in [*(holder.items() if isinstance(holder, dict) else enumerate(holder))]:
        if isinstance(entry, ndarray) and not isinstance(holder, tuple):
            yield holder, key
        elif isinstance(entry, (list, tuple, dict)) and id(entry) not in seen:
            seen.add(id(entry))
            yield from _places(entry, seen)


def _strided(array: Array) -> Array:
    every_other = (slice(None, None, 2),) * array.ndim
    apart = empty([2 * size for size in array.shape], array.dtype)[every_other]
    apart[...] = array
    return apart


def _read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


_LAYOUTS: Mapping[Arrangement, Callable[[Array], Array]] = {
    "C": lambda array: array.copy(),
    "fortran": lambda array: array.copy("F"),
    "strided": _strided,
    "reversed": lambda array: asarray(flip(flip(array).copy())),
    "read-only": _read_only,
    "updated": lambda array: array.copy(),
    "retrained": lambda array: array.copy(),
    "swapped": lambda array: array.astype(array.dtype.newbyteorder("S")),
}
