"""An activation that is read from a table: the nearest entry, the one below, or a line between two."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from oracle.location.how.activation.pairs import Function, Pairs
from reference.contract import Array

RANGES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20)
"""Of arguments up to which tables go, on both sides of 0."""

ENTRIES = (
    *(2**k + more for k in range(4, 15) for more in (0, 1)),
    *(n + more for n in (50, 100, 200, 400, 500, 1000, 2000, 4000, 5000, 8000, 10000) for more in (0, 1)),
)
"""How many there may be."""

STEPS = (*(2.0**-k for k in range(11)), *(n * 10.0**-k for k in range(5) for n in (1, 2, 5)))
"""How far apart they may be, where the table has no end that is seen."""


def table(pairs: Pairs) -> tuple[str, Function] | None:
    """The first that gives all that is shown."""
    for low, step, entries in _tables():
        for words, read in _READINGS.items():
            function = partial(read, pairs.function, low, step, entries)
            if pairs.are_given_by(function, 1e-12):
                of = f"{pairs.activation}({pairs.name}) in steps of {step:.6g}"
                ends = f" from {low:g} to {low + step * (entries - 1):g}" if entries else ""
                return f"{words} a table of {of}{ends}", function
    return None


def _tables() -> Iterator[tuple[float, float, int]]:
    """The first argument, the distance to the next, how many there are; 0 where there is no end."""
    for step in STEPS:
        yield 0.0, step, 0
    for size in RANGES:
        for entries in ENTRIES:
            yield -float(size), 2 * size / (entries - 1), entries
            yield -float(size), 2 * size / entries, entries  # without the last argument


def _entry(function: Function, low: float, step: float, entries: int, place: Array) -> Array:
    return function(low + step * (np.clip(place, 0, entries - 1) if entries else place))


def _nearest(function: Function, low: float, step: float, entries: int, z: Array) -> Array:
    return _entry(function, low, step, entries, np.rint((z - low) / step))


def _below(function: Function, low: float, step: float, entries: int, z: Array) -> Array:
    """NaN where rounding decides which entry that is."""
    place = (z - low) / step
    near = np.round(place)
    decided = (np.abs(place - near) >= 1e-9) | (low + step * near == z)
    return np.where(decided, _entry(function, low, step, entries, np.floor(place)), np.nan)


def _between(function: Function, low: float, step: float, entries: int, z: Array) -> Array:
    place = (z - low) / step
    if entries:
        place = np.clip(place, 0, entries - 1)
    under = np.floor(place)
    first, second = (_entry(function, low, step, entries, each) for each in (under, under + 1))
    return np.asarray(first + (place - under) * (second - first))


_READINGS: Mapping[str, Callable[[Function, float, float, int, Array], Array]] = {
    "a line between two entries of": _between,
    "the nearest entry of": _nearest,
    "the entry below in": _below,
}
