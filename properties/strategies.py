"""Which problems are drawn: sizes, a regime, a dtype and a seed; the numbers come from the seed."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from oracle.problem import DType, Problem, Regime
from reference.contract import CONTRACTS

ORDINARY: tuple[Regime, ...] = ("ternary", "unit", "wild", "tiny")
"""The regimes in which the plainest code is right, if it is right at all."""

SEEDS = 2**16


@dataclass(frozen=True)
class Effort:
    """How far a profile goes: the largest sizes, the longest sequence, and the seeds an example carries."""

    largest: int
    longest: int
    seeds: int


EFFORTS = {"dev": Effort(6, 8, 4), "ci": Effort(9, 12, 6), "fuzz": Effort(64, 150, 2)}
"""By profile; any other profile goes as far as `dev`."""


@st.composite
def problems(
    draw: st.DrawFn,
    function: str,
    effort: Effort,
    *,
    regimes: Sequence[Regime] = ORDINARY,
    dtypes: Sequence[DType] = ("float64",),
    largest: int | None = None,
    empty: bool = False,
) -> Problem:
    """Problems for one function.

    Sizes are pairwise distinct three times in four, since equal ones hide transposes; the rest fall as they
    may, since some mistakes show only where two are equal. `largest` caps them below the effort's own cap.
    With `empty`, at least one of `n_x`, `m` and `T_x` is 0. A cell takes one step.
    """
    distinct = draw(st.integers(0, 3)) > 0  # first, so that it is the first to go when a failure shrinks
    contract = CONTRACTS[function]
    names = ["n_x", "n_a", "n_y", "m", *(() if contract.is_cell else ("T_x",))]
    cap = {"T_x": min(effort.longest, largest or effort.longest)}
    sizes = {
        name: draw(_sizes(cap.get(name, min(effort.largest, largest or effort.largest)))) for name in names
    }
    if distinct:
        sizes = _made_distinct(sizes)
    if empty:
        may_be_empty = [name for name in names if name in ("n_x", "m", "T_x")]
        for name in draw(st.lists(st.sampled_from(may_be_empty), min_size=1, unique=True)):
            sizes[name] = 0
    return Problem(
        contract.kind,
        **{"T_x": 1, **sizes},
        regime=draw(st.sampled_from(regimes)),
        seed=draw(st.integers(0, SEEDS)),
        dtype=draw(st.sampled_from(dtypes)),
    )


def _sizes(largest: int) -> st.SearchStrategy[int]:
    """Half of the draws are 1 or 2, where most edge cases live."""
    return st.one_of(st.integers(1, 2), st.integers(1, largest))


def _made_distinct(sizes: dict[str, int]) -> dict[str, int]:
    """The sizes, each raised to the next number that is still free."""
    taken: set[int] = set()
    for name, size in sizes.items():
        while size in taken:
            size += 1
        taken.add(size)
        sizes[name] = size
    return sizes
