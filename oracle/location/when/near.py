"""Problems on both sides of a condition, to see whether it is the right one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product

from oracle.inputs import Inputs
from oracle.location.when import borders, experiments
from oracle.location.when.condition import Condition
from oracle.location.when.moved import is_of_moves
from oracle.location.when.table import (
    AGAIN,
    ALIKE,
    LOOKED_UP,
    PRODUCT,
    SIZE_OF,
    SIZES,
    Table,
    is_place,
    kind_of,
)

Seen = Callable[[Inputs], Table]
"""What a right program would show of a problem, as elements."""


def near(
    function: str, condition: Condition, held: Mapping[str, int], seed: int, example: Inputs, seen: Seen
) -> Iterator[Inputs]:
    """Problems where the condition holds of some elements, and not of others.

    Some are made from an `example` that is wrong. Where it is of a size or a place, other sizes are `held`
    at what meets the other conditions.
    """
    if condition.feature == "bits":
        for dtype in ("float32", "float16"):
            yield experiments.cast(example, dtype)
            yield experiments.cast(experiments.scaled(example, ("W",), 3.0), dtype)
            yield from experiments.ordinary(function, range(seed, seed + 1), dtype)
    elif condition.feature == AGAIN:
        yield from experiments.of_repeats(function, range(4 * seed, 4 * seed + 4))
    elif condition.feature == ALIKE:
        yield from experiments.of_samples_alike(function, range(2 * seed, 2 * seed + 2))
    elif condition.other in SIZES and is_place(condition.feature):
        for extent, other in ((7, 3), (9, 6), (4, 4), (5, 8)):
            yield _of(function, seed, {**held, SIZE_OF[condition.feature]: extent, condition.other: other})
    elif condition.other and is_place(condition.feature):
        name = SIZE_OF[condition.feature]
        for extent in borders.extents(condition.other):
            yield _of(function, seed, {**held, name: max(extent, held.get(name, 1))})
    elif condition.other in SIZES:
        for extent, other in ((2, 2), (5, 5)) if condition.relation in "=≠" else ((3, 2), (2, 3), (5, 5)):
            sizes = {**held, **_sizes(condition.feature, extent), **_sizes(condition.other, other)}
            yield _of(function, seed, sizes)
    elif is_place(condition.feature):
        name = SIZE_OF[kind_of(condition.feature)]
        for extent in _extents(condition):
            yield _of(function, seed, {**held, name: max(extent + 1, held.get(name, 1))})
    elif condition.feature in experiments.BASE:
        for extent in (*_extents(condition), *_beyond(condition, held.get(condition.feature, 0))):
            yield _of(function, seed, {**held, condition.feature: extent})
            if condition.feature in ("m", "T_x") and extent < condition.value:
                yield experiments.cut(example, condition.feature, extent)
    elif condition.feature in SIZES:
        for extent in _extents(condition):
            yield _of(function, seed, {**held, **_sizes(condition.feature, max(extent, 2))})
    else:
        if "|xt|" in condition.feature and not condition.value:
            yield from experiments.of_gaps(function, range(2 * seed, 2 * seed + 2))
        if "sample" in condition.feature:
            yield from experiments.of_samples_apart(function, range(2 * seed, 2 * seed + 2))
        if condition.feature.startswith((*LOOKED_UP, "the sum of xt")):
            yield from experiments.of_zeros_and_ones(function, range(2 * seed, 2 * seed + 2))
        if is_of_moves(condition.feature):
            yield from experiments.of_repeats(function, range(2 * seed, 2 * seed + 2))
            yield from experiments.of_settling(function, range(4 * seed, 4 * seed + 4))
        if "sum of xt" in condition.feature:
            yield from experiments.of_balanced(function, range(2 * seed, 2 * seed + 2))
        zeros = [name for name in _GIVEN if name in condition.feature]
        if condition.relation == "=" and not condition.value and zeros:
            yield from _of_zeros(function, zeros, seed, example)
        elif seed % 2 == 0:
            for kind, factor in product(experiments.KINDS, (0.3, 0.6, 0.95)):
                yield experiments.scaled(example, kind, factor)
        yield from _aimed(function, condition, seed, seen)
        if condition.is_vague:
            middle = (condition.value + condition.beyond) / 2
            yield from _aimed(function, replace(condition, value=middle), seed, seen)


_GIVEN = {"a_prev": "a0", "c_prev": "c0", "xt": "x"}


def _of_zeros(function: str, names: Sequence[str], seed: int, example: Inputs) -> Iterator[Inputs]:
    """Problems in which nothing but what a condition names is 0; or of some samples, and what else is in the
    example. And that with other weights.
    """
    zeros = [name for name in _GIVEN.values() if not getattr(example, name).any()]
    for name, sizes in product((_GIVEN[name] for name in names), SHAPES):
        inputs = _of(function, seed, sizes)
        yield experiments.scaled(inputs, (name,), 0.0)
        others = experiments.scaled(inputs, tuple({*zeros} - {name}), 0.0)
        yield experiments.blended(others, experiments.scaled(others, (name,), 0.0))
    for factor in (0.3, 0.95):
        yield experiments.scaled(example, ("W",), factor)


def _of(function: str, seed: int, sizes: Mapping[str, int]) -> Inputs:
    return experiments.of_sizes(function, sizes, seed)


def _sizes(name: str, extent: int) -> dict[str, int]:
    """Sizes by which one, or the sum or product of two, has an extent."""
    if name in experiments.BASE:
        return {name: extent}
    if name == PRODUCT:
        m = next(k for k in range(int(extent**0.5), 0, -1) if extent % k == 0)
        return {"n_a": extent // m, "m": m}
    one, other = name.split(" + ")
    return {one: extent - extent // 2, other: extent // 2}


def _extents(condition: Condition) -> list[int]:
    """Extents between the last one that is right and the first that is wrong, and these."""
    value = int(condition.value)
    if condition.relation.startswith("mod"):
        k = int(condition.relation.split()[1])
        parts = {value + k // p for p in (2, 3, 5) if k % p == 0}
        larger = {k * j // 2 for j in (3, 10, 11, 12, 18) if "≠" in condition.relation and k * j // 2 <= MOST}
        return sorted(
            {value + k, value + k + 1, value + 2 * k, value + 3 * k - 1, value + 3 * k, *parts, *larger}
        )
    if condition.is_of_powers:
        return [2, 3, 4, 6, 8, 12, 16, 23, 32]
    if condition.relation not in ("≥", "≤"):
        # What is so once more may be so again and again.
        again = [2 * value] if MOST < 2 * value <= experiments.MOST_AGAIN else []
        return [max(value - 1, 1), max(value, 1), value + 1, *again]
    beyond = int(condition.beyond)
    middle = {(value + beyond) // 2, (3 * value + beyond) // 4, (value + 3 * beyond) // 4}
    whole = {k * beyond for k in (2, 3, 4) if k * beyond <= MOST}
    # What is wrong there may be right at the border alone, for its residue.
    further = 2 * beyond - value
    twice = 2 * value if is_place(condition.feature) and 2 * value <= experiments.MOST_AGAIN else MOST
    twice = twice if condition.relation == "≥" else min(2 * value, MOST)
    return sorted({max(each, 1) for each in (value, beyond, further, twice, *middle, *whole)})


def _beyond(condition: Condition, least: int) -> list[int]:
    """Extents that are right by a condition of residues, from the least on that meets all others."""
    if not condition.relation.startswith("mod") or "≠" not in condition.relation or least <= condition.value:
        return []
    k, value = int(condition.relation.split()[1]), int(condition.value)
    first = least + (value - least) % k
    return [extent for extent in (first, first + k, first + 2 * k) if extent <= MOST]


MOST = 140
"""The largest extent that is asked."""


SHAPES = (
    {"n_x": 3, "n_a": 4, "n_y": 2, "m": 12, "T_x": 2},
    {"n_x": 2, "n_a": 7, "n_y": 3, "m": 10, "T_x": 1},
    {"n_x": 5, "n_a": 3, "n_y": 8, "m": 8, "T_x": 3},
)
"""What hangs on one quantity hangs on another that is like it in one shape, and not in all."""

Change = Callable[[Inputs, float], Inputs]
"""Inputs made larger in one way, by ten to some power."""


def _scaled(names: tuple[str, ...], inputs: Inputs, exponent: float) -> Inputs:
    return experiments.scaled(inputs, names, 10.0**exponent)


def _shifted(sign: int, classes: slice, inputs: Inputs, exponent: float) -> Inputs:
    inputs = experiments.scaled(inputs, ("Wy",), 0.1)
    by = inputs.parameters["by"].copy()
    by[classes] += sign * 10.0**exponent
    return replace(inputs, parameters={**inputs.parameters, "by": by})


OF_STEP = (partial(_scaled, ("W",)), partial(_scaled, ("x", "a0", "c0")), partial(_scaled, ("b",)))
OF_HEAD = (
    partial(_scaled, ("Wy",)),
    partial(_shifted, 1, slice(None)),
    partial(_shifted, -1, slice(None)),
    partial(_shifted, 1, slice(1)),
    partial(_shifted, -1, slice(1)),
)


def _aimed(function: str, condition: Condition, seed: int, seen: Seen) -> Iterator[Inputs]:
    """Problems of several shapes, changed so that some of their elements just meet the condition."""
    of_head = any(name in condition.feature for name in ("logit", "yt_pred", "by"))
    for sizes, change in product(SHAPES, OF_HEAD if of_head else OF_STEP):
        base = _alike(_of(function, seed, sizes))

        def part(exponent: float, base: Inputs = base, change: Change = change) -> float:
            table = seen(change(base, exponent))
            met = condition.met_by(table) if condition.feature in table.features else table.wrong[:0]
            return float(met.mean()) if met.size else 0.0

        low, high = -3.0, 3.0
        least, most = part(low), part(high)
        few = PART * max(least, most)
        if (least > few) == (most > few):
            continue
        for _ in range(8):
            middle = (low + high) / 2
            low, high = (low, middle) if (part(middle) > few) == (most > few) else (middle, high)
        yield change(base, low)
        yield change(base, high + 0.01)


def _alike(inputs: Inputs) -> Inputs:
    """With samples and steps that differ by little, so that many elements come near to a threshold."""
    x = inputs.x[:, :1, :1] + NEARNESS * inputs.x
    a0, c0 = (state[:, :1] + NEARNESS * state if state.any() else state for state in (inputs.a0, inputs.c0))
    return replace(inputs, x=x, a0=a0, c0=c0)


NEARNESS = 0.03

PART = 0.3
"""Of the elements that can be beyond a threshold, those that are so in a problem that is aimed at it."""
