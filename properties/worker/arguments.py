"""Prepares the arguments of a call: memory layout, aliases of parameters, arrays of an earlier call."""

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Literal

from numpy import array_equal, asarray, empty, flip, ndarray

from reference.contract import Array

Arrangement = Literal["C", "fortran", "read-only", "strided", "reversed", "swapped"]
"""The memory layout of all arrays of a call; see `arrange`."""

ALIASES: Mapping[str, str] = {"Wu": "Wi", "bu": "bi"}
"""Aliases of the update gate's parameters, each with its name in the specification."""


class AliasedParameters(dict[str, Any]):
    """The parameters under the names of the specification, which can also be looked up by their aliases."""

    def __missing__(self, key: str) -> Any:
        if key in ALIASES:
            return self[ALIASES[key]]
        raise KeyError(key)


def misses_an_alias(error: BaseException) -> bool:
    """Whether the error is a failed look-up of a parameter by its alias."""
    return isinstance(error, KeyError) and any(type(key) is str and key in ALIASES for key in error.args)


def arrange(arguments: Sequence[Any], arrangement: Arrangement, *, with_aliases: bool) -> list[Any]:
    """Return deep copies of the arguments, with each array in this memory layout.

    A dict that occurs several times, such as the parameters in the caches of all steps, is copied once.
    `with_aliases` says whether parameters can also be looked up by their aliases.

    In the layout `"swapped"` the byte order is not the machine's, in `"strided"` each element is followed by
    a gap on every axis, and `"reversed"` is a view with negative strides.
    """
    layout = _LAYOUTS[arrangement]
    container = AliasedParameters if with_aliases else dict
    dict_copies: dict[int, Any] = {}  # by the id of the original

    def copy(value: Any) -> Any:
        if isinstance(value, dict):
            if id(value) not in dict_copies:
                dict_copies[id(value)] = container((key, copy(entry)) for key, entry in value.items())
            return dict_copies[id(value)]
        if isinstance(value, (list, tuple)):
            return type(value)(copy(entry) for entry in value)
        return layout(value) if isinstance(value, ndarray) else value

    return [copy(argument) for argument in arguments]


def rewritten(earlier: Any, now: Any, *, in_place: bool) -> Any:
    """Return the value `now` in the lists, dicts and arrays of an `earlier` value, as a training loop does.

    An array that has other numbers gets the new ones `in_place`, or is replaced by the array in `now`. It is
    also replaced if the target has made it read-only, or given it another shape.
    """
    if isinstance(earlier, dict) and isinstance(now, dict):
        entries = {key: rewritten(earlier.get(key), now[key], in_place=in_place) for key in now}
        earlier.clear()
        earlier.update(entries)
        return earlier
    if isinstance(earlier, (list, tuple)) and isinstance(now, type(earlier)):
        values = [rewritten(*pair, in_place=in_place) for pair in zip_longest(earlier[: len(now)], now)]
        if isinstance(earlier, tuple):
            return tuple(values)
        earlier[:] = values
        return earlier
    if isinstance(earlier, ndarray) and isinstance(now, ndarray) and earlier.shape == now.shape:
        if in_place and earlier.flags.writeable:
            earlier[...] = now
        if array_equal(earlier, now):
            return earlier
    return now


def _strided(array: Array) -> Array:
    every_other = (slice(None, None, 2),) * array.ndim
    copy = empty([2 * size for size in array.shape], array.dtype)[every_other]
    copy[...] = array
    return copy


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
    "swapped": lambda array: array.astype(array.dtype.newbyteorder("S")),
}
