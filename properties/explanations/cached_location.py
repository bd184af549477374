"""Locates mistakes (where, when and how a function is wrong), and caches the locations."""

from collections.abc import Iterator
from dataclasses import replace

from oracle.diagnosis.findings import Finding, found
from oracle.limits import Limits
from oracle.location.facts import Condition, Feature, Location
from oracle.location.locate import explains, locate
from oracle.location.sentences import lines
from oracle.problem import LayerProblem, Problem
from properties.explanations.earlier_explanations import Earlier
from properties.explanations.inherited_mistakes import is_inherited
from properties.explanations.program import Program
from reference.contract import CONTRACTS


def located(program: Program, counterexample: Problem, limits: Limits) -> Location | None:
    """Where, when and how a function is wrong on a counterexample; `None` if no location is found.

    Layers that may compile for each shape are not located, since that would take too long. Raises
    `DiedError`.
    """
    function = program.function
    known = Earlier.of(program.implementation).locations[function, limits.dtypes]
    if counterexample not in known:
        known[counterexample] = None  # so that an error is not repeated for each law
        if not (isinstance(counterexample, LayerProblem) and program.implementation.is_slow):
            tried = _known_locations(program, counterexample, limits)
            fits = (each for each in tried if explains(each, function, program, counterexample, limits))
            known[counterexample] = next(fits, None) or locate(
                function, program, counterexample, program.implementation.close, limits
            )
    return known[counterexample]


def _known_locations(program: Program, counterexample: Problem, limits: Limits) -> Iterator[Location]:
    """The known locations of a function, and those of its cell if the function inherits its mistake."""
    locations, cell = Earlier.of(program.implementation).locations, CONTRACTS[program.function].cell
    yield from filter(None, [*locations[program.function, limits.dtypes].values()])
    of_cell = [each for each in locations[cell, limits.dtypes].values() if each and each.alone]
    if (
        cell != program.function
        and of_cell
        and is_inherited(program, counterexample.inputs(program.function))
    ):
        yield from of_cell


def located_in_float32(program: Program, counterexample: Problem) -> Location | None:
    """The location in float32 of a function that is right in a wider dtype."""
    dtype = counterexample.dtype
    if dtype != "float32" or dtype == program.limits.dtypes[0]:
        return None
    found = located(program, counterexample, replace(program.limits, dtypes=(dtype,)))
    return found.under(Condition(Feature("bits"), "=", 32)) if found else None


def as_finding(location: Location) -> Finding:
    """The finding with the data of a location, and its sentences."""
    return found("location", **location.data(), lines=lines(location))
