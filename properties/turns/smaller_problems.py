"""Lists problems that are smaller than a failing problem, for shrinking it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

from oracle.problems.problem import LayerProblem, Problem
from properties.strategies.domain import Domain

MOST_EXCESS = 2
"""The largest excess of a shape in `small_problems`. The excess is the sum of `size - 1` over the sizes."""

PROBLEMS = 16
"""The number of problems of a shape in the simplest regime, and also in all other regimes together."""


def small_problems(problem: Problem, domain: Domain) -> Iterator[Sequence[Problem]]:
    """Some problems of each small shape that exceeds no size of the problem, the smallest shapes first.

    Most mistakes show on such shapes. Layers have no small problems.
    """
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


def with_one_size_reduced(problem: Problem) -> Iterator[Problem]:
    """The problem with one size reduced: to 1, then by a half, a quarter, and so on, at last by 1."""
    names = [*reversed(problem.free_sizes)]
    if isinstance(problem, LayerProblem) and not problem.weights:
        names += ["n_p", "layers", "directions"]
    for name in names:
        size = getattr(problem, name)
        halves = (size >> k for k in range(1, size.bit_length()))
        for decrement in filter(None, dict.fromkeys((size - 1, *halves) if size else ())):
            yield replace(problem, **{name: size - decrement})


def in_simplest_regime(problem: Problem, domain: Domain) -> Sequence[Problem]:
    """Problems with the same sizes in the simplest regime; none if the problem is one of these."""
    simplest = domain.regimes[0]
    seeds = range(PROBLEMS if problem.regime != simplest else 0)
    return [replace(problem, regime=simplest, seed=seed) for seed in seeds]


def is_smallest(problem: Problem) -> bool:
    """Whether the shape is so small that `small_problems` has every shape that is no larger."""
    return not isinstance(problem, LayerProblem) and _excess(problem.sizes.values()) <= MOST_EXCESS


def _excess(sizes: Iterable[int]) -> int:
    return sum(max(size - 1, 0) for size in sizes)
