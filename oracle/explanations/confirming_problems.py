"""Draws problems on which conditions hold, and problems on which they do not, to confirm the conditions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from oracle.explanations.changes import RELATIONS, Condition
from oracle.explanations.probe_problems import BASE, Draw, special_problems
from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType
from reference.contract import Array

LARGEST_SIZE = 300
"""The largest size of a problem."""
_SIZE_ALONG = {"step": "T_x", "sample": "m", "unit": "n_a"}


def problems_for_conditions(
    draw: Draw, conditions: Sequence[Condition], example: Inputs, seed: int, dtypes: Sequence[DType]
) -> Iterator[Inputs]:
    """Three ordinary problems; then, for each condition, problems that meet it and problems that do not.

    The sizes of the problems meet all other conditions on sizes. `example` is a problem for which the result
    is wrong; `dtypes` are the dtypes that the function supports.
    """
    sizes_met = {name: size for each in conditions for name, size in _sizes_meeting(each).items()}
    bits = [each for each in conditions if each.kind == "bits"]
    fitting = [each for each in dtypes if bits and RELATIONS[bits[0].relation](int(each[5:]), bits[0].number)]

    def drawn(number: int, sizes: dict[str, int], dtype: DType = (*fitting, *dtypes)[0]) -> Inputs:
        every = {**BASE, **sizes_met, **sizes}
        every = {name: min(max(size, 1), LARGEST_SIZE) for name, size in every.items()}
        return draw(**every, seed=1000 * seed + number, dtype=dtype, regime="unit")

    for k in range(3):
        numbers = np.random.default_rng([seed, k]).integers(1, 11, len(BASE)).tolist()
        yield drawn(k, dict(zip(BASE, numbers, strict=True)) | sizes_met)
    for condition in conditions:
        sizes = [*_sizes_testing(condition)]
        if sizes:
            yield from (drawn(max(each.values()), each) for each in sizes)
        elif condition.kind == "bits":
            every = [(k, dtype) for dtype in dtypes for k in range(3)]
            yield from (drawn(k, {"n_a": 1 + 2 * k, "n_x": 4 - k}, dtype) for k, dtype in every)
        else:
            for k in range(2):
                yield from special_problems(drawn(20 + k, {}), k)
            yield from (_with_spread_samples(example, seed * 10 + k) for k in range(5))


def _sizes_meeting(condition: Condition) -> dict[str, int]:
    """Sizes that meet a condition on sizes, or with which some elements meet a condition on indices."""
    kind, name, value = condition.kind, condition.name, int(min(condition.number, LARGEST_SIZE))
    if kind == "size" and condition.relation in ("=", "≥"):
        return {name: max(value, 1)}
    if kind in ("index", "from end", "residue", "last block"):
        size = _SIZE_ALONG[name]
        return {size: max(value + 3, condition.by + value + 2, BASE[size])}
    return {}


def _sizes_testing(condition: Condition) -> Iterator[dict[str, int]]:
    """Sizes that meet a condition on sizes or indices, and sizes that do not. Other conditions have none."""
    kind, name, by = condition.kind, condition.name, condition.by
    value = int(min(condition.number, LARGEST_SIZE))
    if kind == "size":
        sizes = {*range(value - 2, value + 4), 3 * value // 2, *range(2 * value - 2, 2 * value + 2)}
        yield from ({name: size} for size in sizes)
    elif kind == "equal":
        one, other = name.split(" = ")
        for size in (2, 4, 7, 9):
            yield from ({one: size, other: size}, {one: size, other: size + 1 + size % 2})
    elif kind in ("index", "from end", "residue", "last block"):
        least = 0 if by else value
        beyond = {0, 1, 2, by + 3, 2 * by + 1, least + 3, 2 * least + 1}
        yield from ({_SIZE_ALONG[name]: least + more} for more in beyond)


def _with_spread_samples(example: Inputs, seed: int) -> Inputs:
    """The example with 24 new samples, some with larger numbers and some with smaller numbers."""
    rng = np.random.default_rng([7, seed])
    m, n_x, T_x = 24, *example.x.shape[::2]
    factors = 10 ** rng.uniform(-1.2, 0.7, m)
    samples = example.samples(np.arange(m) % example.x.shape[1])

    def spread(array: Array, drawn: Array, least: float, by: Array) -> Array:
        size = max(float(np.abs(array).max(initial=0)), least)
        return (drawn * by * min(size, 1e6)).astype(array.dtype)

    a0, c0 = ((*each.shape[:-1], m) for each in (example.a0, example.c0))
    return replace(
        samples,
        x=spread(example.x, rng.standard_normal((n_x, m, T_x)), 0.5, factors[:, None]),
        a0=spread(example.a0, rng.uniform(-1, 1, a0), 0, np.minimum(factors, 1)),
        c0=spread(example.c0, rng.standard_normal(c0), 0, factors),
    )
