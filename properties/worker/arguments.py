"""Prepares the arguments of a call: the memory layout of arrays, and aliases of parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from numpy import asarray, empty, flip, ndarray

from reference.contract import Array

Arrangement = Literal["C", "fortran", "updated", "retrained", "read-only", "strided", "reversed", "swapped"]
"""How the arguments are prepared: a memory layout, or an earlier call; see `arrange`."""

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
    a gap on every axis, and `"reversed"` is a view with negative strides. For `"updated"` and `"retrained"`,
    the layout is `"C"`, but the worker first calls the function with `earlier_numbers` in the same arrays.
    """
    layout = _LAYOUTS.get(arrangement, _LAYOUTS["C"])
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


@contextmanager
def earlier_numbers(arguments: Sequence[Any], arrangement: Arrangement) -> Iterator[None]:
    """Within this context, the arguments have other numbers, those before a step of training.

    With `"retrained"`, every parameter is replaced by a new array with half the numbers. With `"updated"`,
    only every second parameter is replaced; the others are halved in place, and all other arrays quartered
    in place. So a function that caches a product of two arrays answers wrongly afterwards.

    Afterwards, all arrays have their numbers again, whatever the target wrote into them. An array that the
    target froze or reshaped is replaced by a copy.
    """
    is_updated = arrangement == "updated"
    originals, scaled = [], 0
    for holder, key in _array_keys(arguments, set()):
        array = holder[key]
        numbers, is_parameter = array.copy(), isinstance(holder, dict)
        originals.append((holder, key, array, numbers))
        if array.dtype.kind != "f":
            continue
        scaled += 1
        if is_parameter and (scaled % 2 or not is_updated):
            holder[key] = 0.5 * numbers
        elif is_updated:
            array *= 0.5 if is_parameter else 0.25
    try:
        yield
    finally:
        for holder, key, array, numbers in originals:
            holder[key] = array
            if array.flags.writeable and array.shape == numbers.shape:
                array[...] = numbers
            else:
                holder[key] = numbers


def _array_keys(holder: Any, seen: set[int]) -> Iterator[tuple[Any, Any]]:
    """The list or dict that has an array, and the array's key in it. Arrays in tuples cannot be replaced."""
    for key, entry in [*(holder.items() if isinstance(holder, dict) else enumerate(holder))]:
        if isinstance(entry, ndarray) and not isinstance(holder, tuple):
            yield holder, key
        elif isinstance(entry, (list, tuple, dict)) and id(entry) not in seen:
            seen.add(id(entry))
            yield from _array_keys(entry, seen)


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
