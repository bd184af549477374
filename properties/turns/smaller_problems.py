"""Problems that are smaller than one that failed: a few seeds of each shape, the smallest shapes first.

Most mistakes show on the smallest shapes. If none of these problems fails, Hypothesis shrinks the problem
that failed. If that is a fixed problem, and no problem that Hypothesis draws fails, its sizes are reduced one
by one.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from oracle.problem import LayerProblem, Problem
from properties.strategies.domain import Domain

MOST_EXCESS = 2
"""The largest excess of a shape: the sum of `size - 1` over its sizes."""

PROBLEMS = 16
"""How many problems of a shape are tried in the simplest regime, and as many in all others together."""


def smaller(problem: Problem, domain: Domain) -> Iterator[Sequence[Problem]]:
    """The problems of each shape that is no larger in any size; none for layers."""
    if isinstance(problem, LayerProblem):
        return
    ranges = [range(min(1, size), min(size, 1 + MOST_EXCESS) + 1) for size in problem.sizes.values()]
    shapes = [sizes for sizes in product(*ranges) if _excess(sizes) <= MOST_EXCESS]
    simplest, *others = domain.regimes
    for sizes in sorted(shapes, key=lambda sizes: (sum(sizes), sizes)):
        named: dict[str, Any] = dict(zip(problem.free_sizes, sizes, strict=True))
        for regimes in filter(None, ([simplest], others)):
            seeds = range(max(PROBLEMS // (len(regimes) * len(domain.dtypes)), 1))
            yield [
                replace(problem, **named, regime=regime, seed=seed, dtype=dtype)
                for regime, seed, dtype in product(regimes, seeds, domain.dtypes)
            ]


def reductions(problem: Problem) -> Iterator[Problem]:
    """The problem with one size reduced: to 1, then by half, by a quarter, and so on down to by 1."""
    names = [*reversed(problem.free_sizes)]
    if isinstance(problem, LayerProblem) and not problem.weights:
        names += ["n_p", "layers", "directions"]
    for name in names:
        size = getattr(problem, name)
        halves = (size >> k for k in range(1, size.bit_length()))
        for fewer in filter(None, dict.fromkeys((size - 1, *halves) if size else ())):
            yield replace(problem, **{name: size - fewer})


def is_smallest(problem: Problem) -> bool:
    """Whether the shape is so small that `smaller` has all shapes below it."""
    return not isinstance(problem, LayerProblem) and _excess(problem.sizes.values()) <= MOST_EXCESS


def _excess(sizes: Iterable[int]) -> int:
    """The sum of `size - 1` over the sizes; a size of 0 does not count."""
    return sum(max(size - 1, 0) for size in sizes)
