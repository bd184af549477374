"""Where, when and how a function of an implementation is wrong, found out once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.history import RETRAINED, UPDATED
from oracle.location.in_layers import is_located_in, locate_in_layers
from oracle.location.located import explains, locate
from oracle.location.location import Location
from oracle.problem import LayerProblem, Problem
from properties.answered.implementation import Arrangement, Implementation
from properties.explained.apart import apart
from properties.explained.asked import Asked, Unkept
from properties.explained.inherited import is_inherited
from reference.contract import CONTRACTS


def located(ask: Asked, counterexample: Problem, limits: Limits) -> Location | None:
    """Where, when and how it is wrong; `None` where nothing is found, or was when it was looked for first.

    Raises `DiedError`, and what `apart` raises.
    """
    known = _LOCATED.setdefault(ask.implementation, {}).setdefault((ask.function, limits.dtypes), {})
    if counterexample not in known:
        others = [*known.values()]
        known[counterexample] = None  # what fails once is not tried again for each law
        known[counterexample] = _located(ask, counterexample, limits, others)
    return known[counterexample]


def located_in_float32(ask: Asked, counterexample: Problem) -> Location | None:
    """The same in float32, where it is right in a wider precision."""
    dtype = counterexample.dtype
    if dtype != "float32" or dtype == ask.limits.dtypes[0]:
        return None
    found = located(ask, counterexample, replace(ask.limits, dtypes=(dtype,)))
    return found.within(f"in {dtype} (not in {ask.limits.dtypes[0]})") if found else None


def _located(
    ask: Asked, counterexample: Problem, limits: Limits, known: Sequence[Location | None]
) -> Location | None:
    """What is `known` of another counterexample, if this is wrong in the same way; else what is looked for.

    Nothing of a layer that may compile for each of the thousand shapes that it would be asked.
    """
    function, inputs = ask.function, counterexample.inputs(ask.function)
    programs = [Unkept(ask.implementation, function, order) for order in _ARRANGED]
    if isinstance(counterexample, LayerProblem):
        if ask.implementation.takes_its_time:
            return None
        for location in filter(None, known):
            if is_located_in(location, function, programs[0], counterexample, limits):
                return location
    else:
        for location in chain(filter(None, known), _of_its_cell(ask, inputs, limits)):
            if explains(location, function, programs, inputs, limits):
                return location
    found: Location | None = apart(
        _search, [ask.implementation.close, *programs], function, counterexample, limits
    )
    return found


def _search(
    asked: Sequence[Callable[..., Any]], function: str, counterexample: Problem, limits: Limits
) -> Location | None:
    """Ask, with arguments as they are and in other arrangements, and anew."""
    anew, program, *others = asked
    arranged = dict(zip([words for words in _ARRANGED.values() if words], others, strict=True))
    if isinstance(counterexample, LayerProblem):
        return locate_in_layers(function, program, counterexample, anew, limits, arranged)
    return locate(function, program, counterexample, anew, limits, arranged)


def _of_its_cell(ask: Asked, counterexample: Inputs, limits: Limits) -> Iterator[Location]:
    """What is known of the cell, if a forward is wrong by that alone: of more states than that reaches."""
    cell = CONTRACTS[ask.function].cell
    every = _LOCATED[ask.implementation].get((cell, limits.dtypes), {}).values()
    known = [location for location in every if location and location.alone]
    if cell != ask.function and known and is_inherited(ask, counterexample):
        yield from known


_LOCATED: WeakKeyDictionary[
    Implementation, dict[tuple[str, Sequence[str]], dict[Problem, Location | None]]
] = WeakKeyDictionary()
"""What was located of a function in some precisions, by the problem on which a law failed; several laws fail
by one mistake.
"""


_ARRANGED: Mapping[Arrangement, str] = {
    "C": "",
    "fortran": "arrays in Fortran order",
    "strided": "strided arrays",
    "reversed": "reversed arrays",
    "read-only": "read-only arrays",
    "swapped": "arrays of the other byte order",
    "updated": UPDATED,
    "retrained": RETRAINED,
}
"""How arguments are arranged, with words for that; none for arrays as they are."""
