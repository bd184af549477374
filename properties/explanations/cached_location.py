"""Locates a mistake: where, when and how a function is wrong. Caches locations."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from weakref import WeakKeyDictionary

from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.calls import call_dependence
from oracle.location.facts import Condition, Feature, Location
from oracle.location.locate import explains, locate
from oracle.problem import LayerProblem, Problem
from properties.explanations.inherited_mistakes import is_inherited
from properties.explanations.probe import Asked, Unkept
from properties.implementations.implementation import Implementation
from reference.contract import CONTRACTS


def located(ask: Asked, counterexample: Problem, limits: Limits) -> Location | None:
    """Where, when and how a function is wrong on a counterexample; `None` if no location is found.

    Raises `DiedError`.
    """
    known = _LOCATED.setdefault(ask.implementation, {}).setdefault((ask.function, limits.dtypes), {})
    if counterexample not in known:
        others = [*known.values()]
        known[counterexample] = None  # so that an error is not repeated for each law
        known[counterexample] = _located(ask, counterexample, limits, others)
    return known[counterexample]


def located_in_float32(ask: Asked, counterexample: Problem) -> Location | None:
    """The same in float32, for a function that is right in a wider dtype."""
    dtype = counterexample.dtype
    if dtype != "float32" or dtype == ask.limits.dtypes[0]:
        return None
    found = located(ask, counterexample, replace(ask.limits, dtypes=(dtype,)))
    return found.under(Condition(Feature("bits"), "=", 32)) if found else None


def kept_by_calls(ask: Asked, counterexample: Problem) -> Location | None:
    """What a later call keeps of an earlier one."""
    if ask.implementation.is_slow:
        return None
    program = Unkept(ask.implementation, ask.function)
    return call_dependence(ask.function, program, counterexample, ask.implementation.close, ask.limits)


def _located(
    ask: Asked, counterexample: Problem, limits: Limits, known: Sequence[Location | None]
) -> Location | None:
    """A `known` location of another counterexample that explains this one, or a new one.

    A layer that may compile for each shape is not located: it would take too long.
    """
    function = ask.function
    if isinstance(counterexample, LayerProblem) and ask.implementation.is_slow:
        return None
    program = Unkept(ask.implementation, function)
    for location in chain(filter(None, known), _of_its_cell(ask, counterexample.inputs(function), limits)):
        if explains(location, function, program, counterexample, limits):
            return location
    return locate(function, program, counterexample, ask.implementation.close, limits)


def _of_its_cell(ask: Asked, counterexample: Inputs, limits: Limits) -> Iterator[Location]:
    """The locations of the cell, if the forward inherits its mistake."""
    cell = CONTRACTS[ask.function].cell
    every = _LOCATED[ask.implementation].get((cell, limits.dtypes), {}).values()
    known = [location for location in every if location and location.alone]
    if cell != ask.function and known and is_inherited(ask, counterexample):
        yield from known


_LOCATED: WeakKeyDictionary[
    Implementation, dict[tuple[str, Sequence[str]], dict[Problem, Location | None]]
] = WeakKeyDictionary()
"""The location by counterexample, by function and dtypes, by implementation."""
