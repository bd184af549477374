"""Of which other step, sample or row the wrong values are the right ones."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from oracle.location.how.candidates import plural
from oracle.location.how.cases import Case
from oracle.location.where.equation import CACHED
from reference.contract import Array

MOST_PLACES = 40
"""Of one answer in which a place is looked for."""

Law = Callable[[Array, Array, int], Array]
"""Whose values stand at wrong places: from these, the last ones before that are right, and how many."""


def of_other_places(cases: Sequence[Case]) -> str:
    """Whose right values the wrong ones are, by one law for all answers where there is one.

    It is the empty string where a column is that of no other place.
    """
    row = cases[0].equation.row
    for axis, what in ((2, "step"), (1, "sample"), (0, row)):
        moved = [Moved(case, axis) for case in cases]
        near = [each for one in moved for each in one.near]
        if any(one.tells for one in moved) and all(others.any() for _, others in near):
            return _which(what, moved, near)
    several = [case for case in cases if case.chosen.shape[0] > 1]
    if len(several) == len(cases) and all(_is_of_any_column(case) for case in several):
        return "those of another sample and step"
    return ""


@dataclass(frozen=True)
class Moved:
    """Wrong values of one answer that may be those of other places along an axis."""

    case: Case
    axis: int

    @property
    def tells(self) -> bool:
        """Whether there are several values at a place, which are not those of another by chance."""
        chosen = self.case.chosen
        return chosen.shape[0] > 1 if self.axis else int(chosen.sum()) > 2

    @cached_property
    def elements(self) -> tuple[Array, ...]:
        """Rows, samples and steps; of columns all, where one is wrong."""
        chosen = self.case.chosen
        return np.nonzero(np.broadcast_to(chosen.any(axis=0), chosen.shape) if self.axis else chosen)

    @property
    def near(self) -> Iterator[tuple[int, Array]]:
        """Some of the places that are wrong, and which others have all their values."""
        places = self.elements[self.axis]
        shown, value, allowed = self._compared
        if self.axis:
            columns = np.unique(np.stack(self.elements[1:]), axis=1).T
            for j, t in columns[_some_of(len(columns))]:
                along = (slice(None), t) if self.axis == 1 else (j, slice(None))
                off = np.abs(shown[:, j, t, None] - value[:, *along])
                yield self._others(int((j, t)[self.axis - 1]), np.all(off <= allowed[:, *along], axis=0))
            return
        rows = np.unique(places)
        for i in rows[_some_of(len(rows))].tolist():
            chosen = self.case.chosen[i]
            off = np.abs(shown[i][chosen] - value[:, chosen])
            yield self._others(i, np.all(off <= allowed[:, chosen], axis=1))

    def obeys(self, law: Law) -> bool:
        """Whether all wrong values are the right ones of the places that a law gives."""
        shown, value, allowed = self._compared
        at = list(self.elements)
        at[self.axis] = law(at[self.axis], self._last_right, self.case.chosen.shape[self.axis])
        if ((at[self.axis] < 0) | (at[self.axis] >= value.shape[self.axis])).any():
            return False
        there = tuple(at)
        return bool((np.abs(shown[self.elements] - value[there]) <= allowed[there]).all())

    @property
    def _last_right(self) -> Array:
        """For each element the last place before where nothing is wrong, -1 where there is none."""
        right = ~np.any(self.case.chosen, axis=0 if self.axis else (1, 2))
        of_axis = max(self.axis - 1, 0)
        index = np.indices(right.shape)[of_axis]
        last = np.maximum.accumulate(np.where(right, index, -1), axis=of_axis)
        return np.asarray(last[self.elements[1:] if self.axis else self.elements[:1]])

    @staticmethod
    def _others(place: int, near: Array) -> tuple[int, Array]:
        return place, near & (np.arange(len(near)) != place)

    @cached_property
    def _compared(self) -> tuple[Array, Array, Array]:
        value, allowed = _right(self.case)
        shown = self.case.equation.shown.astype(np.float64)
        return shown, *_with_next(self.case, self.axis, value, allowed)


def _which(what: str, moved: Sequence[Moved], near: Sequence[tuple[int, Array]]) -> str:
    """The first law that gives a place for each."""
    if len({place for place, _ in near}) > 1:
        counts = len({one.case.chosen.shape[one.axis] for one in moved})
        last = moved[-1]
        for words, law in _laws(what, near, counts, last.case.chosen.shape[last.axis]):
            if all(one.obeys(law) for one in moved):
                return words
    return f"those of another {what}{_listed(what, moved)}"


def _listed(what: str, moved: Sequence[Moved]) -> str:
    """Which those are, for a number of places of which all answers say the same, the fewest that tell."""
    sources: dict[int, dict[int, set[int]]] = {}
    sizes: dict[int, set[tuple[int, ...]]] = {}
    for one in moved:
        of_sizes = sizes.setdefault(one.case.chosen.shape[one.axis], set())
        of_sizes.add(tuple(one.case.equation.answer.inputs.sizes.values()))
        of_count = sources.setdefault(one.case.chosen.shape[one.axis], {})
        for place, others in one.near:
            found = {*np.flatnonzero(others).tolist()}
            of_count[place] = of_count.get(place, found) & found
    told = [
        count
        for count, of_count in sources.items()
        if count <= MOST_LISTED
        and min(len(of_count), len(sizes[count])) > 1
        and all(len(found) == 1 for found in of_count.values())
    ]
    if not told:
        return ""
    enough = [count for count in told if len(sources[count]) > ENOUGH]
    count = min(enough) if enough else max(told, key=lambda count: len(sources[count]))
    each = (f"of {place} those of {other}" for place, (other,) in sorted(sources[count].items()))
    return f" (seen of {count} {plural(what)}: {', '.join(each)})"


MOST_LISTED, ENOUGH = 13, 3
"""How many places are read, and so many tell."""


def _laws(what: str, near: Sequence[tuple[int, Array]], counts: int, count: int) -> Iterator[tuple[str, Law]]:
    """Of so many numbers of places, which tell what hangs on these; of the last answer it is `count`."""
    every = plural(what)
    place, others = near[-1]
    for other in np.flatnonzero(others).tolist():
        yield f"those of {what} {other}", partial(_always, other)
        distance, side = abs(place - other), "before" if place > other else "after"
        away = f"the {what}" if distance == 1 else f"{distance} {every}"
        yield f"those of {away} {side}", partial(_before, place - other)
    yield f"those of the last {what} before it that is right", lambda places, last_right, count: last_right
    yield f"of {what} k those of the k-th in the alphabetical order of numbers", _alphabetical
    yield f"of {what} k those of k in a byte with a sign, from the end where that is below 0", _signed
    for k in range(2, MOST_IN_ROUND + 1):
        yield f"of each {k} {every} those in reverse order", partial(_reversed_in, k)
        order = f"in the order 0, {k}, {2 * k}, ..., 1, {1 + k}, ..."
        yield f"of {what} k those of the k-th {order}", partial(_strided, k)
        yield f"of {what} k those of the place of k {order}", partial(_put_at_strides, k)
    for k in range(2, 1 + max(place for place, _ in near)):
        yield f"of {what} k those of {what} k mod {k}", partial(_rest, k)
        yield f"of each {k} {every} those of the first", partial(_first_of, k)
        yield f"of {what} k those of {what} k // {k}", partial(_part, k)
    for k in range(2, MOST_IN_RING + 1) if what == "step" else ():
        words = f"of step k those of the last step with the same k mod {k}, as in a ring of {k}"
        yield words, partial(_ring, k)
        yield words, partial(_ring_before, k)
        read = f"of the last {k} steps the j-th that of the last step s with s mod {k} = j"
        yield f"{read}, as in a ring of {k} that is read from its start", partial(_ring_from_start, k)
    size = _COUNT.get(what, f"the number of {every}")
    if counts > 2:
        for other in np.flatnonzero(others).tolist():
            k = place - other + count
            yield f"those of {k} - {size} {every} before", partial(_before_less, k)
    for k in range(2, MOST_IN_BLOCK + 1) if counts > 2 else ():
        yield f"those of {k} - {size} mod {k} {every} before", partial(_before_rest, k)
        yield f"those of {size} mod {k} {every} before", partial(_before_the_rest, k)


def _always(other: int, places: Array, last_right: Array, count: int) -> Array:
    return np.full_like(places, other)


def _before(distance: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places - distance)


def _alphabetical(places: Array, last_right: Array, count: int) -> Array:
    return np.array(sorted(range(count), key=str))[places]


def _signed(places: Array, last_right: Array, count: int) -> Array:
    wrapped = (places + 128) % 256 - 128
    return np.where(wrapped < 0, wrapped + count, wrapped)


def _rest(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places % k)


def _first_of(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places - places % k)


def _part(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places // k)


def _reversed_in(k: int, places: Array, last_right: Array, count: int) -> Array:
    """What is left at the end stays."""
    within = places % k
    return np.where(places - within + k <= count, places - within + k - 1 - within, places)


def _strided(k: int, places: Array, last_right: Array, count: int) -> Array:
    return _order(k, count)[places]


def _put_at_strides(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.argsort(_order(k, count))[places]


def _order(k: int, count: int) -> Array:
    """Every k-th place from 0 on, then from 1 on, and so on."""
    return np.argsort(np.arange(count) % k, kind="stable")


def _ring(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places + (count - 1 - places) // k * k)


def _ring_before(k: int, places: Array, last_right: Array, count: int) -> Array:
    """Of states before steps, of which the ring has one more than there are steps."""
    return _ring(k, places, last_right, count + 1)


def _ring_from_start(k: int, places: Array, last_right: Array, count: int) -> Array:
    slots = np.maximum(places - max(count - k, 0), 0)
    return np.asarray(slots + (count - 1 - slots) // k * k)


def _before_less(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places - (k - count))


def _before_rest(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places - (k - count % k))


def _before_the_rest(k: int, places: Array, last_right: Array, count: int) -> Array:
    return np.asarray(places - count % k)


MOST_IN_BLOCK, MOST_IN_RING, MOST_IN_ROUND = 64, 32, 8
_COUNT = {"step": "T_x", "sample": "m", "unit": "n_a", "class": "n_y"}


def _some_of(count: int) -> Array:
    """From the first to the last."""
    return np.linspace(0, count - 1, min(MOST_PLACES, count)).astype(int)


def _is_of_any_column(case: Case) -> bool:
    value, allowed = _right(case)
    columns = np.argwhere(case.chosen.any(axis=0))
    return all(
        (np.abs(case.equation.shown[:, [j], [t], None] - value) <= allowed).all(axis=0).any()
        for j, t in columns[_some_of(len(columns))]
    )


def _with_next(case: Case, axis: int, value: Array, allowed: Array) -> tuple[Array, Array]:
    """Of states before steps also the last one, which is before a step that is not made."""
    state = case.equation.answer.outputs.get(case.equation.name.removeprefix(CACHED)[0])
    if axis != 2 or not case.equation.name.endswith("_prev") or state is None:
        return value, allowed
    last = state[:, :, -1:].astype(np.float64)
    return np.concatenate([value, last], axis=2), np.concatenate([allowed, 1e-14 * np.abs(last)], axis=2)


def _right(case: Case) -> tuple[Array, Array]:
    """The right values, NaN of which nothing is known, and how far from one another may be."""
    value, error = case.equation.right.value, case.equation.right.error
    return np.where(np.isinf(error), np.nan, value), 4 * error + 1e-14 * np.abs(value)
