"""Spares calls of a costly function: its problems share a few shapes, and later laws draw fewer problems."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from oracle.problems.problem import Problem
from properties.implementations.calls import CallHistory
from properties.strategies.domain import Domain
from properties.turns.smaller_problems import PROBLEMS

MOST_SHAPES = 6
"""The number of shapes from which a costly function gets no others. With four, some mistakes were missed."""

FEW_SHAPES = (
    f"calls, or the first of each shape, take long, so most problems have one of {MOST_SHAPES} shapes"
)
"""The note about such a function, which stands below the verdict."""


LONG, QUARTER = 120.0, 4
"""After so many seconds in calls, laws on costly functions draw the fourth part of their problems."""

FEW_PROBLEMS = "all calls have taken two minutes, so later laws draw a quarter of their problems"
"""The note about a target whose laws do so."""

COSTLY = (FEW_SHAPES, FEW_PROBLEMS)
"""The notes that stand below the verdict."""


def earlier_shapes(history: CallHistory, function: str, domain: Domain, problem: Problem) -> list[Problem]:
    """The earlier shapes that a problem of a costly function may have; empty if it keeps its own.

    There are `MOST_SHAPES`, and one more for each law whose domain has none of them. The first shapes of
    every function are kept, since it may turn out to be costly.
    """
    is_costly, shapes = history.is_costly, history.shapes
    if is_costly and len(shapes) >= MOST_SHAPES:
        alike = [replace(each, regime=problem.regime, dtype=problem.dtype) for each in shapes]
        if known := [each for each in alike if domain.contains(each, function)]:
            return known
    if is_costly or len(shapes) < MOST_SHAPES:
        shapes[replace(problem, regime="ternary", seed=0, dtype="float64")] = None
    return []


def smaller_shapes(history: CallHistory, problem: Problem) -> Iterator[Sequence[Problem]]:
    """Problems like this one in each of the earlier shapes, the smallest first."""
    for shape in sorted(history.shapes, key=lambda each: sum(each.sizes.values())):
        alike = replace(shape, regime=problem.regime, dtype=problem.dtype)
        yield [replace(alike, seed=seed) for seed in range(PROBLEMS)]
