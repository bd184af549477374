"""Locates mistakes (where, when and how a function is wrong), and caches the locations."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from weakref import WeakKeyDictionary

from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.facts import Condition, Feature, Location
from oracle.location.locate import explains, locate
from oracle.problem import LayerProblem, Problem
from properties.explanations.inherited_mistakes import is_inherited
from properties.explanations.probe import CachedProgram, UncachedProgram
from properties.implementations.implementation import Implementation
from reference.contract import CONTRACTS


def located(program: CachedProgram, counterexample: Problem, limits: Limits) -> Location | None:
    """Where, when and how a function is wrong on a counterexample; `None` if no location is found.

    Raises `DiedError`.
    """
    known = _LOCATED.setdefault(program.implementation, {}).setdefault((program.function, limits.dtypes), {})
    if counterexample not in known:
        others = [*known.values()]
        known[counterexample] = None  # so that an error is not repeated for each law
        known[counterexample] = _located(program, counterexample, limits, others)
    return known[counterexample]


def located_in_float32(program: CachedProgram, counterexample: Problem) -> Location | None:
    """The location in float32 of a function that is right in a wider dtype."""
    dtype = counterexample.dtype
    if dtype != "float32" or dtype == program.limits.dtypes[0]:
        return None
    found = located(program, counterexample, replace(program.limits, dtypes=(dtype,)))
    return found.under(Condition(Feature("bits"), "=", 32)) if found else None


def _located(
    program: CachedProgram, counterexample: Problem, limits: Limits, known: Sequence[Location | None]
) -> Location | None:
    """A `known` location that explains this counterexample, too, or a new location.

    Layers that may compile for each shape are not located, since that would take too long.
    """
    function = program.function
    if isinstance(counterexample, LayerProblem) and program.implementation.is_slow:
        return None
    uncached = UncachedProgram(program.implementation, function)
    for location in chain(
        filter(None, known), _locations_of_cell(program, counterexample.inputs(function), limits)
    ):
        if explains(location, function, uncached, counterexample, limits):
            return location
    return locate(function, uncached, counterexample, program.implementation.close, limits)


def _locations_of_cell(program: CachedProgram, counterexample: Inputs, limits: Limits) -> Iterator[Location]:
    """The known locations of the cell, if the forward inherits its mistake."""
    cell = CONTRACTS[program.function].cell
    every = _LOCATED[program.implementation].get((cell, limits.dtypes), {}).values()
    known = [location for location in every if location and location.alone]
    if cell != program.function and known and is_inherited(program, counterexample):
        yield from known


_LOCATED: WeakKeyDictionary[
    Implementation, dict[tuple[str, Sequence[str]], dict[Problem, Location | None]]
] = WeakKeyDictionary()
"""The locations of each implementation, by function and dtypes, and by counterexample."""
