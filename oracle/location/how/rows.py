"""Rows that are those of other units or gates, as where stacked weights are read back wrongly."""

from collections.abc import Sequence

import numpy as np

from oracle.location.how.cases import Case, Likeness

ENOUGH = 3
"""Elements by which a row is known."""

SHOWN = 6
"""Rows of which it is said."""


def other_rows(cases: Sequence[Case]) -> Likeness | None:
    """Of arguments: whether each row that is wrong is a row of any gate, and which, of one answer."""
    found: list[list[str]] = []
    for case in cases:
        if not case.equation.recipe or not (relatives := case.equation.recipe.relatives):
            return None
        pool = {f"{name}[{k}]": row for name, rows in relatives().items() for k, row in enumerate(rows)}
        names, rows = list(pool), np.stack(list(pool.values()))
        said: list[str] = []
        for i in range(len(case.chosen)):
            chosen = case.chosen[i]
            if chosen.sum() < ENOUGH:
                continue
            theirs = rows[:, chosen]
            off = np.abs(theirs - case.equation.shown[i][chosen])
            same = (
                off <= 4 * case.equation.right.error[i][chosen] + 1e-13 * (1 + np.abs(rows[:, chosen]))
            ).all(1)
            if not same.any():
                return None
            were = "" if said else "were "
            said.append(f"{case.equation.name}[{i}] {were}that of {names[int(same.argmax())]}")
        found.append(said)
    several = [said for said in found if len(said) > 1]
    if len(several) < 2:
        return None
    example = min(several, key=lambda said: abs(len(said) - SHOWN))
    return Likeness(", ".join(example[:SHOWN]) + (", ..." if len(example) > SHOWN else ""))
