"""Problems on both sides of a condition, by which it is confirmed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from oracle.inputs import Inputs
from oracle.location.facts import Condition, When
from oracle.location.features import EXTENTS, SUM
from oracle.location.probe_problems import BASE, Make, over_time, scaled, special
from oracle.problem import DType

LARGEST = 300


def aimed(make: Make, when: When, example: Inputs, seed: int, dtypes: tuple[DType, ...]) -> Iterator[Inputs]:
    """On both sides of each condition, with the others met where these are of sizes; and some others."""
    dtype = dtypes[0]
    held: dict[str, int] = {}
    for condition in when.conditions:
        held |= _meeting(condition)
    bits = [c for c in when.conditions if c.feature.kind == "bits"]
    if bits:
        fitting = [d for d in dtypes if _meets(bits[0], int(d[5:]))]
        dtype = fitting[0] if fitting else dtype

    def of(number: int, sizes: Mapping[str, int], dtype: DType = dtype, regime: str = "unit") -> Inputs:
        return make(**{**BASE, **held, **sizes}, seed=1000 * seed + number, dtype=dtype, regime=regime)

    for k in range(3):
        rng = np.random.default_rng([seed, k])
        yield of(k, {name: max(held.get(name, 1), int(rng.integers(1, 11))) for name in BASE})
    for condition in when.conditions:
        yield from _beside(condition, example, of, dtypes, seed)


def _meets(condition: Condition, value: float) -> bool:
    from oracle.location.when import compared

    return bool(compared(np.array(value), condition))


def _meeting(condition: Condition) -> dict[str, int]:
    """Sizes in which a condition on sizes or places can be met."""
    feature, value = condition.feature, int(condition.value) if abs(condition.value) < LARGEST else 1
    if feature.kind == "size" and feature.name in BASE and condition.relation in ("=", "≥"):
        return {feature.name: max(value, 1)}
    if feature.kind in ("place", "from end", "residue", "tail") and feature.name in (
        "unit",
        "sample",
        "step",
    ):
        name = EXTENTS[feature.name] or "n_a"
        return {name: min(max(value + 3, feature.by + value + 2, BASE[name]), LARGEST)}
    return {}


def _beside(
    condition: Condition, example: Inputs, of: object, dtypes: tuple[DType, ...], seed: int
) -> Iterator[Inputs]:
    assert callable(of)
    feature, value = condition.feature, condition.value
    match feature.kind:
        case "size" if feature.name in BASE:
            for size in {max(int(value) + d, 1) for d in (-2, -1, 0, 1, 2)} | {
                min(2 * int(value), LARGEST),
                2 * int(value) + 1,
            }:
                yield of(size, {feature.name: min(size, LARGEST)})
        case "residue" if feature.name in BASE:
            for size in range(1, 2 * feature.by + 2, max(feature.by // 8, 1)):
                yield of(size, {feature.name: size})
        case "size" | "residue" if feature.name == SUM:
            for size in range(1, min(2 * feature.by, 24) + 3, 2):
                yield of(size, {"n_a": size + 1})
                yield of(size, {"n_x": size})
        case "equal":
            one, other = feature.name.split(" = ")
            for size in (2, 4, 7, 9):
                yield of(size, {one: size, other: size})
                yield of(size, {one: size, other: size + 1 + size % 2})
        case "place" | "from end" | "tail" | "residue":
            name = EXTENTS[feature.name] or "n_a"
            least = int(value) if feature.kind in ("place", "from end") else 0
            for size in {
                max(least + d, 1)
                for d in (0, 1, 2, feature.by + 3, 2 * feature.by + 1, 2 * least + 3, 3 * least + 1)
            }:
                yield of(size, {name: min(size, LARGEST)})
        case "bits":
            for dtype in dtypes:
                for k in range(3):
                    yield of(k, {"n_a": 1 + 2 * k, "n_x": 4 - k}, dtype)
        case "repeats" | "repeats earlier" | "moved":
            for k in range(5):
                yield from over_time(of(k, {"T_x": 4 + 2 * k + seed % 7}), of(k + 5, {"T_x": 30}), k)
            if feature.kind == "moved" and value > 0:
                for k in range(4):
                    yield scaled(
                        replace(
                            of(k, {"T_x": 25}), x=of(k, {"T_x": 25}).x[:, :, :1] + 0 * of(k, {"T_x": 25}).x
                        ),
                        ("W",),
                        0.15 * (k + 1),
                    )
        case _:
            for k in range(2):
                yield from special(of(20 + k, {}), k)
            for k in range(5):
                yield spread(example, seed * 10 + k)
            if feature.name in ("logits", "yt_pred", "a_next") and "yt" not in feature.kind:
                for k, factor in enumerate((0.5, 2.0, 4.0, 8.0)):
                    yield scaled(of(30 + k, {"m": 24}), ("Wy",), factor)


def spread(example: Inputs, seed: int) -> Inputs:
    """Samples of the network of an example, on both sides of what theirs are."""
    rng = np.random.default_rng([7, seed])
    m, n_x, T_x = 24, *example.x.shape[::2]
    factors = 10 ** rng.uniform(-1.2, 0.7, m)
    sizes = [float(np.abs(each).max(initial=0)) for each in (example.x, example.a0, example.c0)]
    x = rng.standard_normal((n_x, m, T_x)) * factors[:, None] * min(max(sizes[0], 0.5), 1e6)
    a0 = rng.uniform(-1, 1, (len(example.a0), m)) * np.minimum(factors, 1) * min(sizes[1], 1e6)
    c0 = rng.standard_normal((len(example.c0), m)) * factors * min(sizes[2], 1e6)
    dtype = example.x.dtype
    return replace(example, x=x.astype(dtype), a0=a0.astype(dtype), c0=c0.astype(dtype))
