"""What a network may take for something else: initial states, lengths, and samples that were sorted."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.layers.memory import near
from oracle.location.networks.answer import Answer
from oracle.location.networks.stacking import Stacking, called, words
from oracle.propagation import evaluate
from oracle.rounding import Bounded
from reference.contract import Array


@dataclass(frozen=True)
class Mistaken:
    """One thing that may be, and whether it `explains` an answer.

    `how` is said of the simplest stacking in which it shows, and the `condition` is one beside the stacking.
    """

    where: str
    how: Callable[[Stacking], str]
    condition: str
    explains: Callable[[Answer], bool]


def of_initial_states(names: Sequence[str]) -> Iterator[Mistaken]:
    """Those of other layers and directions, in the places of a layer's own."""
    for some in some_of(names):
        for order in _ORDERS:
            yield Mistaken(
                f"{' and '.join(some)} of a layer and direction {are(some)} not its own",
                partial(_called, order),
                "",
                partial(explains_with, partial(_placed, some, order)),
            )


def of_axes_exchanged(names: Sequence[str]) -> Iterator[Mistaken]:
    """Initial states `(m, n, L D)` where these are as many."""
    for some in some_of(names):
        yield Mistaken(
            f"{' and '.join(some)} {are(some)} read with its axes exchanged",
            partial(said, "as if samples came first and layers and directions last"),
            "where m is the number of all layers and directions",
            partial(explains_with, partial(_exchanged, some)),
        )


def _exchanged(names: Sequence[str], inputs: LayerInputs) -> LayerInputs:
    given = {name: getattr(inputs, name) for name in names}
    return replace(
        inputs,
        **{name: each.transpose(2, 1, 0) for name, each in given.items() if len(each) == each.shape[2]},
    )


def of_lengths() -> Iterator[Mistaken]:
    """Other lengths than those that are given."""
    for how, (change, condition) in _LENGTHS.items():
        yield Mistaken(
            "the lengths are not those that are given",
            partial(said, how),
            condition,
            partial(explains_with, partial(_with_lengths, change)),
        )


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


def are(names: Sequence[str]) -> str:
    """The verb of so many."""
    return "are" if len(names) > 1 else "is"


def some_of(names: Sequence[str]) -> list[Sequence[str]]:
    """Each, and all together."""
    return [*([name] for name in names), *([names] if len(names) > 1 else [])]


def said(how: str, stacking: Stacking) -> str:
    """The same of any stacking."""
    return how


_ORDERS: Sequence[Callable[[Array], Array]] = (
    lambda places: places.ravel("F").reshape(places.shape),
    lambda places: places[:, ::-1],
    lambda places: places[::-1],
    lambda places: places[::-1, ::-1],
    lambda places: places[:1],
    lambda places: places[-1:],
    lambda places: places[:, :1],
    lambda places: places[:, -1:],
    lambda places: places[:1, :1],
    lambda places: np.arange(len(places))[:, None],
)
"""Whose are taken, by the places `(L, D)` of all."""


def _order(order: Callable[[Array], Array], stacking: Stacking) -> Array:
    places = np.arange(np.prod(stacking)).reshape(stacking)
    return np.broadcast_to(order(places), stacking).ravel()


def _called(order: Callable[[Array], Array], stacking: Stacking) -> str:
    every = called(_order(order, stacking).tolist(), stacking)
    return f"of {words(*stacking)}, they begin with those of {every}"


def _placed(names: Sequence[str], order: Callable[[Array], Array], inputs: LayerInputs) -> LayerInputs:
    D = inputs.directions
    places = _order(order, (len(inputs.parameters) // D, D))
    return replace(inputs, **{name: getattr(inputs, name)[places] for name in names})


def _rest_full(block: int, most: int, ends: Array, T_x: int) -> Array:
    """The samples that are left by whole blocks have all steps, where there are more than so many."""
    m = len(ends)
    return np.where((np.arange(m) >= m - m % block) & (m > most), T_x, ends)


_NOT_EQUAL = "where not all are equal"

_LENGTHS: Mapping[str, tuple[Callable[[Array, int], Array | None], str]] = {
    "as if none were given": (lambda ends, T_x: None, "where any is less than T_x"),
    "as if each were at most that of sample 0": (
        lambda ends, T_x: np.minimum(ends, ends[:1]),
        "where another is more than that of sample 0",
    ),
    "as if all were that of sample 0": (lambda ends, T_x: 0 * ends + ends[0], _NOT_EQUAL),
    "as if all were that of the last sample": (lambda ends, T_x: 0 * ends + ends[-1], _NOT_EQUAL),
    "as if all were the largest": (lambda ends, T_x: 0 * ends + ends.max(), _NOT_EQUAL),
    "as if all were the smallest": (lambda ends, T_x: 0 * ends + ends.min(), _NOT_EQUAL),
    "as if those of the last m mod 4 samples were T_x": (partial(_rest_full, 4, 0), "where they are less"),
    "as if those of the last m mod 4 samples were T_x, for m > 4": (
        partial(_rest_full, 4, 4),
        "where they are less",
    ),
    "as if those of the last m mod 2 samples were T_x": (partial(_rest_full, 2, 0), "where they are less"),
    "as if they were in descending order": (lambda ends, T_x: -np.sort(-ends), "where they are not"),
    "as if they were in ascending order": (lambda ends, T_x: np.sort(ends), "where they are not"),
    "as if they were in reverse order": (lambda ends, T_x: ends[::-1], "where that is another"),
    "as if each were 1 less": (lambda ends, T_x: ends - 1, ""),
    "as if each were 1 less, and at least 1": (
        lambda ends, T_x: np.maximum(ends - 1, 1),
        "where any is more than 1",
    ),
    "as if each were 1 more, and at most T_x": (
        lambda ends, T_x: np.minimum(ends + 1, T_x),
        "where any is less than T_x",
    ),
}


def _with_lengths(change: Callable[[Array, int], Array | None], inputs: LayerInputs) -> LayerInputs:
    return replace(inputs, lengths=change(inputs.ends, inputs.x.shape[2]))


def _sorted_by(ends: Array) -> Array:
    return np.argsort(-ends, kind="stable")


def _rising(ends: Array) -> Array:
    return np.argsort(ends, kind="stable")


def _of_sorting() -> Iterator[tuple[str, Callable[[Array], Array], str]]:
    """What is left of sorting the samples: in words, whose of each is taken, and where that is another."""
    for sort, order, falls in (
        (_sorted_by, "argsort(-lengths)", "descending"),
        (_rising, "argsort(lengths)", "ascending"),
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


def explains_with(change: Callable[[LayerInputs], LayerInputs], answer: Answer) -> bool:
    """Whether it is what other inputs give."""
    return is_answer(answer, evaluate(change(answer.inputs)))


def is_answer(answer: Answer, right: Mapping[str, Bounded]) -> bool:
    """Whether it is this."""
    return all(near(array, right[name]).all() for name, array in answer.shown.items())
