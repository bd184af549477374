"""Counts which sizes, equal sizes, regimes, dtypes and memory layouts the problems had."""

from collections.abc import Iterator, Mapping
from io import StringIO
from itertools import combinations
from textwrap import fill
from typing import get_args

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from oracle.problem import DType
from oracle.regimes import Regime
from properties.implementations.implementation import Arrangement
from properties.trials.trial import Trial

_SIZES = ("n_x", "n_a", "n_y", "m", "T_x")
_EXTENTS = {"0": 0, "1": 1, "2": 2, "3 to 30": 30, "31 to 100": 100, "over 100": None}
"""The ranges of sizes: the name and the largest size of each."""


def places(trial: Trial) -> Iterator[str]:
    """The properties of a trial: `"m 3 to 30"`, `"n_x = m"`, `"regime wild"`."""
    problem = trial.problem
    sizes = {
        name: size for name, size in problem.sizes.items() if name != "T_x" or not trial.contract.is_cell
    }
    for name, size in sizes.items():
        yield f"{name} {_extent(size)}"
    for (one, size), (other, same) in combinations(sizes.items(), 2):
        if size == same:
            yield f"{one} = {other}"
    yield f"regime {problem.regime}"
    yield f"dtype {problem.dtype}"
    for arrangement in trial.arrangements:
        yield f"layout {arrangement}"


def render(visited: Mapping[str, int], width: int) -> str:
    """The number of problems with each property, as text."""
    table = Table("", box=SIMPLE_HEAD)
    for extent in _EXTENTS:
        table.add_column(extent, justify="right")
    for name in _SIZES:
        table.add_row(name, *(str(visited.get(f"{name} {extent}", 0)) for extent in _EXTENTS))
    out = StringIO()
    console = Console(file=out, width=max(width, 80), color_system=None)
    console.print(table)
    pairs = [f"{one} = {other}" for one, other in combinations(_SIZES, 2)]
    lines = [_line("equal", {pair: visited.get(pair, 0) for pair in pairs}, console.width)]
    for kind, values in (
        ("regime", get_args(Regime)),
        ("dtype", get_args(DType)),
        ("layout", get_args(Arrangement)),
    ):
        counts = {value: visited.get(f"{kind} {value}", 0) for value in values}
        lines.append(_line(kind, counts, console.width))
    return "\n".join([*(line.rstrip() for line in out.getvalue().splitlines()), *lines, ""])


def _line(kind: str, counts: Mapping[str, int], width: int) -> str:
    """The counts of one kind, wrapped between entries."""
    entries = ", ".join(f"{place}: {count}".replace(" ", "\xa0") for place, count in counts.items())
    filled = fill(
        entries, width, initial_indent=f"  {kind:<8}", subsequent_indent=" " * 10, break_on_hyphens=False
    )
    return filled.replace("\xa0", " ")


def _extent(size: int) -> str:
    return next(name for name, largest in _EXTENTS.items() if largest is None or size <= largest)
