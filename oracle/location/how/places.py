"""Of which other step, sample or row the wrong values are the right ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from oracle.location.how.cases import Case
from reference.contract import Array

MOST_PLACES = 40
"""Of one answer that are looked at."""

ENOUGH = 3
"""Elements by which a row is known."""


@dataclass(frozen=True)
class Wrong:
    """One place among `len(near)` whose values are wrong, and those whose right values it has.

    `last_right` is the last place before it where nothing is wrong, -1 where there is none.
    """

    place: int
    near: Array
    last_right: int

    def is_of(self, other: int) -> bool:
        """Whether another place is there, and has its values."""
        return 0 <= other < len(self.near) and bool(self.near[other])


def of_other_places(cases: Sequence[Case]) -> str:
    """Where whole columns are the right ones of another step or sample, or rows of another row: of which.

    Of more than one answer nothing more is said than that there is such a place in each.
    """
    row = cases[0].equation.row
    for axis, what in ((2, "step"), (1, "sample"), (0, row)):
        wrong = [each for case in cases for each in _wrong(case, axis)]
        if wrong and all(each.near.any() for each in wrong):
            return _which(what, wrong)
    several = [case for case in cases if case.chosen.shape[0] > 1]
    if several and all(_is_of_any_column(case) for case in several):
        return "those of another sample and step"
    return ""


def _which(what: str, wrong: Sequence[Wrong]) -> str:
    """The first law that gives a place for each."""
    if len({each.place for each in wrong}) > 1:
        for words, other in _laws(what, wrong):
            if all(each.is_of(other(each)) for each in wrong):
                return words
    return f"those of another {what}"


Law = Callable[[Wrong], int]
"""Which place has the values that stand at a wrong one."""


def _laws(what: str, wrong: Sequence[Wrong]) -> Iterator[tuple[str, Law]]:
    last = wrong[-1]
    for other in np.flatnonzero(last.near).tolist():
        yield f"those of {what} {other}", partial(_always, other)
        distance = last.place - other
        side = "before" if distance > 0 else "after"
        yield f"those of {abs(distance)} {what}s {side}", partial(_before, distance)
    yield f"those of the last {what} before it that is right", lambda each: each.last_right
    for k in range(2, 1 + max(each.place for each in wrong)):
        yield f"of {what} k those of {what} k mod {k}", partial(_rest, k)
        yield f"of each {k} {what}s those of the first", partial(_first_of, k)
        yield f"of {what} k those of {what} k // {k}", partial(_part, k)


def _always(other: int, wrong: Wrong) -> int:
    return other


def _before(distance: int, wrong: Wrong) -> int:
    return wrong.place - distance


def _rest(k: int, wrong: Wrong) -> int:
    return wrong.place % k


def _first_of(k: int, wrong: Wrong) -> int:
    return wrong.place - wrong.place % k


def _part(k: int, wrong: Wrong) -> int:
    return wrong.place // k


def _wrong(case: Case, axis: int) -> Iterator[Wrong]:
    if axis:
        yield from _wrong_columns(case, axis)
    else:
        yield from _wrong_rows(case)


def _wrong_columns(case: Case, axis: int) -> Iterator[Wrong]:
    """Those of more than one number, whose place is a step or a sample."""
    shown, value, allowed = _compared(case)
    if len(shown) < 2:
        return
    is_wrong = np.any(case.chosen, axis=0)
    for column in _some_of(np.argwhere(is_wrong)):
        j, t = column
        along = (slice(None), t) if axis == 1 else (j, slice(None))
        off = np.abs(shown[:, j, t, None] - value[:, *along])
        yield _at(int(column[axis - 1]), np.all(off <= allowed[:, *along], axis=0), is_wrong[along])


def _wrong_rows(case: Case) -> Iterator[Wrong]:
    shown, value, allowed = _compared(case)
    is_wrong = np.any(case.chosen, axis=(1, 2))
    for i in _some_of(np.flatnonzero(is_wrong)).tolist():
        chosen = case.chosen[i]
        if chosen.sum() >= ENOUGH:
            off = np.abs(shown[i][chosen] - value[:, chosen])
            yield _at(i, np.all(off <= allowed[:, chosen], axis=1), is_wrong)


def _some_of(places: Array) -> Array:
    """From the first to the last."""
    chosen = np.linspace(0, len(places) - 1, min(MOST_PLACES, len(places)))
    return np.asarray(places[chosen.astype(int)])


def _at(place: int, near: Array, is_wrong: Array) -> Wrong:
    right = np.flatnonzero(~is_wrong[:place])
    return Wrong(place, near, int(right[-1]) if right.size else -1)


def _compared(case: Case) -> tuple[Array, Array, Array]:
    value, error = case.equation.right.value, case.equation.right.error
    return case.equation.shown.astype(np.float64), value, 4 * error + 1e-14 * np.abs(value)


def _is_of_any_column(case: Case) -> bool:
    shown, value, allowed = _compared(case)
    return all(
        (np.abs(shown[:, [j], [t], None] - value) <= allowed).all(axis=0).any()
        for j, t in _some_of(np.argwhere(case.chosen.any(axis=0)))
    )
