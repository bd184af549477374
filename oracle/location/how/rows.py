"""Rows or biases that are those of other units or gates, as where stacked ones are read back wrongly."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from oracle.location.how.cases import Case, Likeness
from oracle.location.where.recipes import Recipe
from reference.contract import Array

ENOUGH = 3
"""Elements by which a row is known."""

SHOWN = 6
"""Rows of which it is said."""


def other_rows(cases: Sequence[Case]) -> Likeness | None:
    """Of arguments: whether each row that is wrong is a row of any gate, or has the bias of any.

    Which, is said of one answer.
    """
    if any(not case.equation.recipe or not case.equation.recipe.relatives for case in cases):
        return None
    return _found(cases, _rows_of_gates, "that of") or _found(cases, _with_biases_of_gates, "with")


Pool = Mapping[str, Array]
"""What a row may be, by name, each `(m, T_x)`."""


def _rows_of_gates(recipe: Recipe) -> Callable[[int], Pool]:
    assert recipe.relatives
    rows = {f"{name}[{k}]": row for name, rows in recipe.relatives().items() for k, row in enumerate(rows)}
    pool = {**rows, "0": np.zeros_like(next(iter(rows.values())))}
    return lambda i: pool


def _with_biases_of_gates(recipe: Recipe) -> Callable[[int], Pool]:
    own = next(name for name in recipe.pieces if name.startswith("b"))
    unbiased = recipe.made({**recipe.pieces, own: np.zeros_like(recipe.pieces[own])})
    biases = {name: b for name, b in recipe.kin[own].items() if name.startswith("b") and name != "by"}
    numbers = {f"{name}[{k}]": number for name, b in biases.items() for k, number in enumerate(b[:, 0])}
    numbers["no bias"] = 0.0
    return lambda i: {name: unbiased[i] + number for name, number in numbers.items()}


def _found(
    cases: Sequence[Case], pool_of: Callable[[Recipe], Callable[[int], Pool]], what: str
) -> Likeness | None:
    """Which row of the pool each row is; `None` where one is none of them."""
    found: list[tuple[list[str], int]] = []
    for case in cases:
        assert case.equation.recipe
        pool_of_row = pool_of(case.equation.recipe)
        said: list[str] = []
        for i in range(len(case.chosen)):
            chosen = case.chosen[i]
            if chosen.sum() < ENOUGH:
                continue
            pool = pool_of_row(i)
            theirs = np.stack([row[chosen] for row in pool.values()])
            off = np.abs(theirs - case.equation.shown[i][chosen])
            same = (off <= 4 * case.equation.right.error[i][chosen] + 1e-13 * (1 + np.abs(theirs))).all(1)
            if not same.any():
                return None
            were = "" if said else "were "
            other = [*pool][int(same.argmax())]
            said.append(
                f"{case.equation.name}[{i}] {were}{what if other != '0' else ''} {other}".replace("  ", " ")
            )
        found.append((said, len(case.chosen)))
    several = [(said, n) for said, n in found if len(said) > 1]
    if len(several) < 2:
        return None
    example, n = min(several, key=lambda pair: abs(len(pair[0]) - SHOWN))
    more = ", ..." if len(example) > SHOWN else ""
    return Likeness(f"{', '.join(example[:SHOWN])}{more} (n_a = {n})")
