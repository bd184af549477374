"""Draws problems on which a condition holds, and problems on which it does not, to confirm the condition."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from oracle.location.facts import Condition, When
from oracle.location.features import AXIS_SIZES, CONCAT_SIZE
from oracle.location.probe_problems import BASE, Draw, problems_over_time, special_problems
from oracle.location.when import meets
from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType

LARGEST_SIZE = 300
"""The largest size of a problem."""


def problems_for_conditions(
    draw: Draw, when: When, example: Inputs, seed: int, dtypes: Sequence[DType]
) -> Iterator[Inputs]:
    """Three ordinary problems; then, for each condition, problems that meet it and problems that do not.

    The sizes of the problems meet all other conditions on sizes. `example` is a problem for which the
    equation is wrong; `dtypes` are the dtypes that the function supports.
    """
    sizes_met = {name: size for each in when.conditions for name, size in _sizes_meeting(each).items()}
    bits = [each for each in when.conditions if each.feature.kind == "bits"]
    fitting = [each for each in dtypes if bits and meets(np.array(int(each[5:])), bits[0])]

    def drawn(number: int, sizes: dict[str, int], dtype: DType = (*fitting, *dtypes)[0]) -> Inputs:
        every = {
            name: min(max(size, 1), LARGEST_SIZE) for name, size in {**BASE, **sizes_met, **sizes}.items()
        }
        return draw(**every, seed=1000 * seed + number, dtype=dtype, regime="unit")

    for k in range(3):
        numbers = np.random.default_rng([seed, k]).integers(1, 11, len(BASE)).tolist()
        yield drawn(k, dict(zip(BASE, numbers, strict=True)) | sizes_met)
    for condition in when.conditions:
        sizes = [*_sizes_testing(condition)]
        if sizes:
            yield from (drawn(max(each.values()), each) for each in sizes)
        elif condition.feature.kind == "bits":
            every = [(k, dtype) for dtype in dtypes for k in range(3)]
            yield from (drawn(k, {"n_a": 1 + 2 * k, "n_x": 4 - k}, dtype) for k, dtype in every)
        else:
            yield from _problems_testing(condition, example, drawn, seed)


def _sizes_meeting(condition: Condition) -> dict[str, int]:
    """Sizes that meet a condition on sizes, or with which some elements meet a condition on indices."""
    feature, value = condition.feature, int(condition.value) if abs(condition.value) < LARGEST_SIZE else 1
    if feature.kind == "size" and feature.name in BASE and condition.relation in ("=", "≥"):
        return {feature.name: max(value, 1)}
    if feature.kind in ("index", "index from end", "residue", "in last block") and feature.name in AXIS_SIZES:
        name = AXIS_SIZES[feature.name] or "n_a"
        return {name: max(value + 3, feature.by + value + 2, BASE[name])}
    return {}


def _sizes_testing(condition: Condition) -> Iterator[dict[str, int]]:
    """Sizes that meet a condition on sizes or indices, and sizes that do not. Other conditions have none."""
    (kind, name, by), value = vars(condition.feature).values(), int(min(condition.value, LARGEST_SIZE))
    if kind == "size" and name in BASE:
        sizes = {*range(value - 2, value + 4), 3 * value // 2, *range(2 * value - 2, 2 * value + 2)}
        yield from ({name: size} for size in sizes)
    elif kind in ("size", "residue") and name == CONCAT_SIZE:
        for size in range(1, min(2 * by, 24) + 3, 2):
            yield from ({"n_a": size + 1}, {"n_x": size})
    elif kind == "residue" and name in BASE:
        yield from ({name: size} for size in range(1, 2 * by + 2, max(by // 8, 1)))
    elif kind == "equal":
        one, other = name.split(" = ")
        for size in (2, 4, 7, 9):
            yield from ({one: size, other: size}, {one: size, other: size + 1 + size % 2})
    elif kind in ("index", "index from end", "in last block", "residue"):
        least = value if kind in ("index", "index from end") else 0
        beyond = {0, 1, 2, by + 3, 2 * by + 1, least + 3, 2 * least + 1}
        yield from ({AXIS_SIZES[name] or "n_a": least + more} for more in beyond)


def _problems_testing(condition: Condition, example: Inputs, drawn: Draw, seed: int) -> Iterator[Inputs]:
    """Problems in which some elements meet a condition on values, and others do not."""
    if condition.feature.kind in ("input repeats", "change"):
        for k in range(5):
            yield from problems_over_time(
                drawn(k, {"T_x": 4 + 2 * k + seed % 7}), drawn(k + 5, {"T_x": 30}), k
            )
    else:
        for k in range(2):
            yield from special_problems(drawn(20 + k, {}), k)
        yield from (with_spread_samples(example, seed * 10 + k) for k in range(5))


def with_spread_samples(example: Inputs, seed: int) -> Inputs:
    """The example with 24 new samples, some with larger numbers and some with smaller numbers."""
    rng = np.random.default_rng([7, seed])
    m, n_x, T_x = 24, *example.x.shape[::2]
    factors = 10 ** rng.uniform(-1.2, 0.7, m)
    sizes = [float(np.abs(each).max(initial=0)) for each in (example.x, example.a0, example.c0)]
    x = rng.standard_normal((n_x, m, T_x)) * factors[:, None] * min(max(sizes[0], 0.5), 1e6)
    a0 = rng.uniform(-1, 1, (*example.a0.shape[:-1], m)) * np.minimum(factors, 1) * min(sizes[1], 1e6)
    c0 = rng.standard_normal((*example.c0.shape[:-1], m)) * factors * min(sizes[2], 1e6)
    dtype = example.x.dtype
    samples = example.samples(np.arange(m) % example.x.shape[1])
    return replace(samples, x=x.astype(dtype), a0=a0.astype(dtype), c0=c0.astype(dtype))
