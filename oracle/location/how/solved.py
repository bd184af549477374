"""What a factor or a summand of an equation must have been, for all else in it to be right."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from oracle.location.how.cases import Case
from oracle.location.where.equation import Equation
from oracle.location.where.lstm import HIDDEN_STATE, MEMORY_STATE
from oracle.location.where.recipes import Pieces
from oracle.rounding import Bounded
from reference.contract import Array

_SOLVED: Mapping[str, Mapping[str, tuple[Callable[[Array, Pieces], Array], str]]] = {
    MEMORY_STATE: {
        "ft": (lambda c, v: (c - v["it"] * v["cct"]) / v["c_prev"], "c_prev"),
        "c_prev": (lambda c, v: (c - v["it"] * v["cct"]) / v["ft"], "ft"),
        "it": (lambda c, v: (c - v["ft"] * v["c_prev"]) / v["cct"], "cct"),
        "cct": (lambda c, v: (c - v["ft"] * v["c_prev"]) / v["it"], "it"),
    },
    HIDDEN_STATE: {"ot": (lambda a, v: a / np.tanh(v["c_next"]), "c_next")},
}
"""By statement and name: the value from what is shown and the others, and what it is multiplied by."""

TOLD = 1e-9
"""How well a value has to be told."""


def solved(cases: Sequence[Case]) -> Iterator[tuple[str, list[Case]]]:
    """The same elements as values of each of the pieces, where these can be told well."""
    equation = cases[0].equation
    for name in _SOLVED.get(equation.statement, ()):
        found = [each for case in cases if (each := _as_piece(case, name)).chosen.any()]
        told, every = (sum(int(each.chosen.sum()) for each in some) for some in (found, cases))
        if told >= max(FEWEST, every / 2):
            yield name, found


FEWEST = 12
"""How many elements it takes to tell."""


def _as_piece(case: Case, name: str) -> Case:
    equation = case.equation
    solve, factor = _SOLVED[equation.statement][name]
    pieces = _pieces(equation)
    shown = solve(equation.shown.astype(np.float64), pieces)
    beside = np.tanh(pieces[factor]) if factor == "c_next" else pieces[factor]
    error = (2 * equation.right.error + 1e-16) / np.abs(beside)
    told = np.isfinite(shown) & (error < TOLD)
    right = Bounded(pieces[name], np.full(shown.shape, TOLD))
    of_piece = replace(
        equation, name=name, statement=name, shown=shown, right=right, terms={}, others={}, recipe=None
    )
    return Case(of_piece, case.chosen & told)


def _pieces(equation: Equation) -> Pieces:
    assert equation.recipe
    return equation.recipe.pieces
