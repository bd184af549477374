"""Records which sizes, regimes and dtypes were tried, as the bits of one integer, which is cheap to store."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import get_args

from oracle.problems.problem import DType, Problem
from oracle.problems.regimes import Regime

SIZES = ("n_x", "n_a", "n_y", "m", "T_x")
RANGES = ("0", "1", "2", "3", "5", "9", "17", "33", "65", "129", "257", "513+")
"""The least size in each range of sizes."""

_PAIRS = [*combinations(range(len(SIZES)), 2)]
_REGIMES, _DTYPES = get_args(Regime), get_args(DType)
_OTHERS = len(_PAIRS) * len(RANGES) ** 2  # the first bit of the regimes


def visit(problem: Problem) -> int:
    """The bits of a problem: one for each pair of sizes, one for the regime, one for the dtype."""
    ranges = [_range(getattr(problem, name)) for name in SIZES]
    bits = 1 << _OTHERS + _REGIMES.index(problem.regime)
    bits |= 1 << _OTHERS + len(_REGIMES) + _DTYPES.index(problem.dtype)
    for number, (first, second) in enumerate(_PAIRS):
        bits |= 1 << (number * len(RANGES) + ranges[first]) * len(RANGES) + ranges[second]
    return bits


def _range(size: int) -> int:
    return min(size if size <= 1 else (size - 1).bit_length() + 1, len(RANGES) - 1)


def map_of(visits: Sequence[int], first: str, second: str) -> list[list[int]]:
    """The number of laws that tried each pair of ranges of two sizes: a row for each range of the first."""
    start = _PAIRS.index((SIZES.index(first), SIZES.index(second))) * len(RANGES) ** 2
    n = len(RANGES)
    return [[_count(visits, start + row * n + column) for column in range(n)] for row in range(n)]


def counts_of(visits: Iterable[int]) -> Mapping[str, int]:
    """The number of laws that tried each regime and each dtype."""
    laws = [*visits]
    return {name: _count(laws, _OTHERS + number) for number, name in enumerate((*_REGIMES, *_DTYPES))}


def _count(visits: Iterable[int], bit: int) -> int:
    return sum(visited >> bit & 1 for visited in visits)
