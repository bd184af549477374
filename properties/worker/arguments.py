"""How a target is given its arguments: their layout in memory, and other names for the parameters."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from numpy import asarray, empty, flip, ndarray

from reference.contract import Array

Arrangement = Literal["C", "fortran", "strided", "reversed", "read-only", "swapped", "updated", "retrained"]

ALIASES: Mapping[str, str] = {"Wu": "Wi", "bu": "bi"}
"""What some call the parameters of the update gate, and what the specification calls them."""


class AliasedParameters(dict[str, Any]):
    """The specification's parameters, found under their aliases as well."""

    def __missing__(self, key: str) -> Any:
        if key in ALIASES:
            return self[ALIASES[key]]
        raise KeyError(key)


def misses_an_alias(error: BaseException) -> bool:
    """Whether a parameter was looked for under an alias, in vain."""
    return isinstance(error, KeyError) and any(type(key) is str and key in ALIASES for key in error.args)


def arranged(arguments: Sequence[Any], arrangement: Arrangement, *, aliased: bool) -> list[Any]:
    """Copies of the arguments, and of what is in the lists and dicts among them, each laid out as said.

    A dict that is in several places, as the parameters are in the caches of all steps, is copied once.

    `"swapped"` is the other byte order; `"strided"` leaves a gap after each element on every axis;
    `"reversed"` is a view of an array with the last element first; `"updated"` and `"retrained"` are
    as usual, after a call that was given them `of_earlier_numbers`.
    """
    layout = _LAYOUTS[arrangement]
    container = AliasedParameters if aliased else dict
    copies: dict[int, Any] = {}  # of dicts, by the id of each

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
def of_earlier_numbers(arguments: Sequence[Any], arrangement: Arrangement) -> Iterator[None]:
    """For a while parameters hold half as much, as before a step of training, of `"updated"` also the others.

    These hold a quarter, so what is kept of one is told from what it is multiplied by; and every other entry
    of a dict is then another array, where the others are the same arrays. Of `"retrained"` all entries are
    others. All arrays are filled again then, whatever was written into them; one that cannot be, for it is
    frozen or has another shape now, is another array.
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
    """Where arrays are, in lists and dicts, each once; what is in a tuple itself cannot be another array."""
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


def _reversed(array: Array) -> Array:
    return asarray(flip(flip(array).copy()))


def _read_only(array: Array) -> Array:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


_LAYOUTS: Mapping[Arrangement, Callable[[Array], Array]] = {
    "C": lambda array: array.copy(),
    "fortran": lambda array: array.copy("F"),
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
    "updated": lambda array: array.copy(),
    "retrained": lambda array: array.copy(),
    "swapped": lambda array: array.astype(array.dtype.newbyteorder("S")),
}
