"""Lengths that a network takes for others."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from oracle.inputs import LayerInputs
from oracle.location.networks.answer import Answer
from oracle.location.networks.evaluated import evaluate
from oracle.location.networks.mistaken import Mistaken, explains_with, is_answer, said
from oracle.rounding import Bounded
from reference.contract import Array


def of_lengths() -> Iterator[Mistaken]:
    """Other lengths than those that are given."""
    for how, (change, condition) in LENGTHS.items():
        yield Mistaken(
            "the lengths are not those that are given",
            partial(said, how),
            condition,
            partial(explains_with, partial(_with_lengths, change)),
        )


def of_padding_in_front() -> Iterator[Mistaken]:
    """Sequences that are taken to end where x does."""
    where = "the steps of a sequence are not the first ones that are given"
    how = "they are taken to be the last ones, and a is 0 before them"
    yield Mistaken(where, partial(said, how), "where any length is less than T_x", _are_last)


def _are_last(answer: Answer) -> bool:
    """Whether it is what those steps give, in their places."""
    inputs = answer.inputs
    steps, padding = np.arange(inputs.x.shape[2]), inputs.x.shape[2] - inputs.ends[:, None]
    shifted = np.take_along_axis(inputs.x, ((steps + padding) % max(len(steps), 1))[None], axis=2)
    right = evaluate(replace(inputs, x=shifted))
    back = ((steps - padding) % max(len(steps), 1))[None]
    a = (np.take_along_axis(part, back, axis=2) for part in (right["a"].value, right["a"].error))
    return is_answer(answer, {**right, "a": Bounded(*a)})


def _rest_full(block: int, most: int, ends: Array, T_x: int) -> Array:
    """The samples that are left by whole blocks have all steps, where there are more than so many."""
    m = len(ends)
    return np.where((np.arange(m) >= m - m % block) & (m > most), T_x, ends)


def _all_if_one(place: int, ends: Array, T_x: int) -> Array | None:
    return None if ends.size and ends[place] == T_x else ends


def _rounded(block: int, ends: Array, T_x: int) -> Array:
    return np.asarray(np.minimum(-(-ends // block) * block, T_x))


def _of_first_tile(size: int, ends: Array, T_x: int) -> Array:
    return np.asarray(ends[np.arange(len(ends)) % size])


def _of_each_tile(size: int, of: np.ufunc, ends: Array, T_x: int) -> Array:
    if not ends.size:
        return ends
    starts = np.arange(0, len(ends), size)
    return np.asarray(np.repeat(of.reduceat(ends, starts), size)[: len(ends)])


def _of_other(by: int, ends: Array, T_x: int) -> Array:
    """Of the first sample that of the last, or the other way round."""
    return np.roll(ends, by)


def _relative(to_whole: Callable[[Array], Array], ends: Array, T_x: int) -> Array:
    """As shares of the longest that are taken of T_x."""
    return to_whole(ends / max(ends.max(initial=0), 1) * T_x).astype(ends.dtype)


_NOT_EQUAL = "where not all are equal"

LENGTHS: Mapping[str, tuple[Callable[[Array, int], Array | None], str]] = {
    "as if none were given": (lambda ends, T_x: None, "where any is less than T_x"),
    "as if each were at most that of sample 0": (
        lambda ends, T_x: np.minimum(ends, ends[:1]),
        "where another is more than that of sample 0",
    ),
    "as if none were given, for the longest is T_x": (
        lambda ends, T_x: None if ends.max(initial=0) == T_x else ends,
        "where one is T_x and another is less",
    ),
    **{
        f"as if none were given, for that of {which} is T_x": (
            partial(_all_if_one, place),
            f"where that of {which} is T_x and another is less",
        )
        for which, place in (("the last sample", -1), ("sample 0", 0))
    },
    "as if none were given, for they are equal": (
        lambda ends, T_x: None if len({*ends}) == 1 else ends,
        "where all are equal and less than T_x",
    ),
    "as if none were given, for there is one sample": (
        lambda ends, T_x: None if len(ends) == 1 else ends,
        "where m = 1 and its length is less than T_x",
    ),
    "as if those of 1 were T_x": (
        lambda ends, T_x: np.where(ends == 1, T_x, ends),
        "where any is 1 and T_x is more",
    ),
    "as if those of T_x were 1 less": (
        lambda ends, T_x: np.minimum(ends, T_x - 1),
        "where any is T_x",
    ),
    "as if in a byte": (lambda ends, T_x: ends % 256, "where any is more than 255"),
    "as if in a byte with a sign, and at least 0": (
        lambda ends, T_x: np.maximum((ends + 128) % 256 - 128, 0),
        "where any is more than 127",
    ),
    "as if those above 127 were 0": (
        lambda ends, T_x: np.where(ends > 127, 0, ends),
        "where any is more than 127",
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
    **{
        f"as if each were rounded up to a multiple of {k}, and at most T_x": (
            partial(_rounded, k),
            f"where any is less than T_x and no multiple of {k}",
        )
        for k in (2, 4, 8, 16, 32, 64)
    },
    **{
        f"as if that of sample k were that of sample k mod {size}": (
            partial(_of_first_tile, size),
            "where that is another",
        )
        for size in (2, 4, 8, 16, 32, 64)
    },
    **{
        f"as if those of each {size} samples were the {which} of these": (
            partial(_of_each_tile, size, of),
            "where that is another",
        )
        for size in (2, 4, 8, 16, 32, 64)
        for which, of in (("largest", np.maximum), ("smallest", np.minimum))
    },
    **{
        f"as if each were that of the sample {which}": (partial(_of_other, by), "where that is another")
        for which, by in (("before", 1), ("after", -1))
    },
    **{
        f"as if they were {words} length / the longest * T_x": (
            partial(_relative, to_whole),
            "where all are less than T_x",
        )
        for words, to_whole in (("the nearest to", np.round), ("the whole part of", np.floor))
    },
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
"""What they may be taken for, by the lengths and T_x, and where that is another."""


def _with_lengths(change: Callable[[Array, int], Array | None], inputs: LayerInputs) -> LayerInputs:
    return replace(inputs, lengths=change(inputs.ends, inputs.x.shape[2]))
