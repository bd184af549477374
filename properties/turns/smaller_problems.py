"""Smaller problems than one that failed: a few of each shape, the smallest shapes first.

Most mistakes show on the smallest shapes there are, where a few seeds of each regime are asked together; what
shows on none of these is left to Hypothesis.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from oracle.problem import LayerProblem, Problem
from oracle.regimes import Regime
from properties.strategies.functions import Domain

BEYOND = 2
"""By how much the sizes of such a shape are together more than the least."""

SEEDS = 16
"""Of a shape in the simplest regime of the domain; of the others together there are as many problems."""


def smaller(problem: Problem, domain: Domain) -> Iterator[Sequence[Problem]]:
    """The problems of each shape that is nowhere larger than this one's; none of layers."""
    if isinstance(problem, LayerProblem):
        return
    for sizes in _shapes(problem):
        named: dict[str, Any] = dict(zip(problem.varies, sizes, strict=True))
        shape = replace(problem, **named)
        simplest, *others = domain.regimes
        for regimes in filter(None, ([simplest], others)):
            yield [*_of_shape(shape, regimes, domain)]


def is_among(problem: Problem) -> bool:
    """Whether all shapes that are smaller than this problem's are among those that `smaller` gives."""
    return not isinstance(problem, LayerProblem) and _beyond(problem.sizes.values()) <= BEYOND


def _shapes(problem: Problem) -> list[tuple[int, ...]]:
    ranges = [range(min(1, size), min(size, 1 + BEYOND) + 1) for size in problem.sizes.values()]
    shapes = (sizes for sizes in product(*ranges) if _beyond(sizes) <= BEYOND)
    return sorted(shapes, key=lambda sizes: (sum(sizes), sizes))


def _beyond(sizes: Iterable[int]) -> int:
    """By how much sizes are together more than 1; one that is 0 stays so."""
    return sum(max(size - 1, 0) for size in sizes)


def _of_shape(shape: Problem, regimes: Sequence[Regime], domain: Domain) -> Iterator[Problem]:
    """Regime by regime, the simplest first, and of each the smallest seeds."""
    seeds = SEEDS // (len(regimes) * len(domain.dtypes))
    for regime, seed, dtype in product(regimes, range(max(seeds, 1)), domain.dtypes):
        yield replace(shape, regime=regime, seed=seed, dtype=dtype)
