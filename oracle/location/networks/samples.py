"""Samples that a network has sorted by their lengths, and not or wrongly put back."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.answer import Answer
from oracle.location.networks.mistaken import Mistaken, are, explains_with, is_answer, said, some_of
from oracle.rounding import Bounded
from reference.contract import Array


def of_samples(arguments: Sequence[str], outputs: Sequence[str]) -> Iterator[Mistaken]:
    """Samples that were sorted by their lengths, and not or wrongly put back, of one or two arrays."""
    for whose, which, condition in SAMPLES:
        how = f"of sample k {whose}"
        for some in some_of(arguments):
            for direction, rows in _DIRECTIONS.items():
                change = partial(_of_other_samples, some, which, rows)
                yield _not_its_own(some, direction, how, condition, partial(explains_with, change))
        for direction, rows in _DIRECTIONS.items():
            for some in [*some_of(outputs[1:]), outputs[:1], outputs]:
                explains = partial(_returns_others, some, which, rows)
                yield _not_its_own(some, direction, how, condition, explains)


def _not_its_own(
    names: Sequence[str], direction: str, how: str, condition: str, explains: Callable[[Answer], bool]
) -> Mistaken:
    where = f"{' and '.join(names)} of a sample{direction} {are(names)} not its own"
    return Mistaken(where, partial(said, how), condition, explains)


def _sorted_by(ends: Array) -> Array:
    return np.argsort(-ends, kind="stable")


def _rising(ends: Array) -> Array:
    return np.argsort(ends, kind="stable")


def _of_sorting() -> Iterator[tuple[str, Callable[[Array], Array], str]]:
    """What is left of sorting the samples: in words, whose of each is taken, and where that is another."""
    for sort, order, falls in (
        (_sorted_by, "stable argsort(-lengths)", "descending"),
        (_rising, "stable argsort(lengths)", "ascending"),
    ):
        is_sorted = f"where the lengths are not in {falls} order"
        yield f"that of sample order[k], order = {order}", sort, is_sorted
        yield (
            f"that of sample order[order[k]], order = {order}",
            partial(_twice, sort),
            "where order[order[k]] is not k",
        )
        yield f"that of sample argsort(order)[k], order = {order}", partial(_back, sort), is_sorted


def _twice(sort: Callable[[Array], Array], ends: Array) -> Array:
    return np.asarray(sort(ends)[sort(ends)])


def _back(sort: Callable[[Array], Array], ends: Array) -> Array:
    return np.argsort(sort(ends))


def _last_as_long(ends: Array) -> Array:
    return np.array([np.flatnonzero(ends == end)[-1] for end in ends])


def _first_as_long(ends: Array) -> Array:
    return np.array([np.flatnonzero(ends == end)[0] for end in ends])


SAMPLES = (
    *_of_sorting(),
    ("that of the last sample of its length", _last_as_long, "where others have the same length"),
    ("that of the first sample of its length", _first_as_long, "where others have the same length"),
)

_DIRECTIONS = {"": slice(None), " in the backward direction": slice(1, None, 2)}
"""Of which places; of one direction alone there is no backward one."""


def _of_other_samples(
    names: Sequence[str], which: Callable[[Array], Array], places: slice, inputs: LayerInputs
) -> LayerInputs:
    given = {name: getattr(inputs, name).copy() for name in names}
    for array in given.values():
        if places == slice(None) or inputs.directions == 2:
            array[places] = array[places][:, :, which(inputs.ends)]
    return replace(inputs, **given)


def _returns_others(
    names: Sequence[str], which: Callable[[Array], Array], places: slice, answer: Answer
) -> bool:
    """Whether what is returned is right, but for whose it is."""
    right, chosen = answer.right, which(answer.inputs.ends)
    if places != slice(None) and answer.inputs.directions == 1:
        return answer.is_right
    return is_answer(answer, {**right, **{name: _chosen(answer, name, places, chosen) for name in names}})


def _chosen(answer: Answer, name: str, places: slice, samples: Array) -> Bounded:
    """The right values of one name, in some places those of other samples."""
    count = answer.inputs.directions if name == "a" else len(answer.inputs.parameters)
    parts = []
    for part in (answer.right[name].value, answer.right[name].error):
        rows = np.stack(np.split(part, count))
        rows[places] = rows[places][:, :, samples]
        parts.append(rows.reshape(part.shape))
    return Bounded(*parts)
