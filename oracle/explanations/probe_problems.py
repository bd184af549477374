"""Draws the problems that locate a mistake, and those that confirm the conditions in which it is made."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from oracle.explanations.changes import RELATIONS, Condition
from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType
from reference.contract import CONTRACTS, Array

BASE = {"n_x": 3, "n_a": 4, "n_y": 5, "m": 6, "T_x": 7}
SIZES = {
    "n_x": (1, 2, 4, 5, 8, 9, 17),
    "n_a": (1, 2, 3, 5, 8, 9, 17),
    "n_y": (1, 2, 3, 4, 8),
    "m": (1, 2, 3, 5, 8, 9, 17, 33, 65, 129),
    "T_x": (1, 2, 3, 5, 9, 11, 17, 33, 65),
}

LARGEST_SIZE = 300
"""The largest size of a problem."""
_SIZE_ALONG = {"step": "T_x", "sample": "m", "unit": "n_a"}

Draw = Callable[..., Inputs]
"""Draws the inputs of a problem from its sizes, seed, regime and dtype (see `Observer.draw`)."""


def all_inputs(function: str, draw: Draw, dtypes: Sequence[DType]) -> Iterator[Inputs]:
    """About a hundred problems, most of which differ from an ordinary problem in one property.

    `dtypes` are the dtypes of the function, the widest first.
    """
    names, dtype = CONTRACTS[function].sizes, dtypes[0]

    def drawn(sizes: Mapping[str, int], seed: int = 11, regime: str = "unit") -> Inputs:
        return draw(**{**BASE, **sizes}, seed=seed, regime=regime, dtype=dtype)

    yield from ordinary_inputs(draw, range(4), dtype)
    yield from (drawn({name: size}) for name in names for size in SIZES[name])
    different = {name: 5 + 2 * i for i, name in enumerate(names)}
    for k, (one, other) in enumerate(combinations(names, 2)):
        yield drawn({**different, one: 3 + k % 3, other: 3 + k % 3}, 12)
    rng = np.random.default_rng(17)
    for seed in range(8):
        yield drawn(dict(zip(BASE, rng.integers(1, 20, len(BASE)).tolist(), strict=True)), seed)
    wide = drawn({"n_a": 5, "n_y": 4, "m": 24, "T_x": 3}, 13)
    for arrays in (("x",), ("a0",), ("c0",), ("x", "a0", "c0")):
        if "c0" not in arrays or wide.c0.any():
            yield graded_inputs(wide, arrays)
    for kind, factor in product(("W", "b"), (0.0, 1e-3, 10.0, 100.0)):
        yield scaled_inputs(wide, (kind,), factor)
    for regime, seed in product(("wild", "counting", "tiny", "ternary"), range(2)):
        yield drawn({"m": 12, "T_x": 6}, seed, regime)
    if "n_y" in names:
        yield from logit_inputs(drawn)
    for other in dtypes[1:]:
        for inputs in ordinary_inputs(draw, range(3), other):
            yield scaled_inputs(inputs, ("W",), 1.0)  # changes only -0.0
    if wide.c0.size:
        given = drawn({}, 19)
        for name, bias in product(("bf", "bi", "bo"), (-16.0, 16.0)):
            yield _raised(given, name, bias)
    for seed in range(2):
        yield from special_inputs(drawn({}, 60 + seed), seed)
        if "T_x" in names:
            yield from (drawn({"T_x": size}, 70 + seed) for size in (12, 40))


def ordinary_inputs(draw: Draw, seeds: range, dtype: DType) -> Iterator[Inputs]:
    """Problems of ordinary sizes and numbers."""
    for seed in seeds:
        sizes = {name: size + (seed * k) % 3 for k, (name, size) in enumerate(BASE.items())}
        yield draw(**sizes, seed=seed, regime="unit", dtype=dtype)


def logit_inputs(drawn: Draw) -> Iterator[Inputs]:
    """Problems with large, small, or very different logits."""
    for n_y in (2, 4):
        given = drawn({"n_y": n_y}, 15)
        bias = given.parameters["by"]
        first = np.arange(n_y)[:, None] == 0
        for changed in (
            bias + 60,
            bias - 60,
            np.where(first, bias + 5, bias),
            np.where(first, bias + 30, bias),
        ):
            yield replace(given, parameters={**given.parameters, "by": changed.astype(bias.dtype)})
    yield scaled_inputs(drawn({"m": 24}, 16), ("Wy",), 6.0)


def special_inputs(inputs: Inputs, seed: int) -> Iterator[Inputs]:
    """Problems with zeros in x, with one-hot inputs, or with zeros in the initial states."""
    rng = np.random.default_rng(seed)
    n_x, m, T_x = inputs.x.shape
    yield replace(inputs, x=inputs.x * (rng.random((1, m if seed else 1, T_x)) < 0.6))
    is_one = np.arange(n_x)[:, None, None] == rng.integers(max(n_x, 1), size=(m, T_x))
    yield replace(inputs, x=(is_one if seed else inputs.x * is_one).astype(inputs.x.dtype))
    yield replace(inputs, a0=inputs.a0 * (np.arange(m) % 2 == seed), c0=inputs.c0 * (np.arange(m) % 3 > 0))
    yield scaled_inputs(inputs, ("a0",) if seed else ("a0", "c0"), 0.0)


def _raised(inputs: Inputs, name: str, summand: float) -> Inputs:
    """Add a number to the parameter `name`."""
    return inputs.with_parameters(lambda p: {**p, name: p[name] + summand})


def scaled_inputs(inputs: Inputs, names: tuple[str, ...], factor: float) -> Inputs:
    """Multiply `x`, `a0`, `c0`, the weights `W` or biases `b` of a step, or the head `Wy` by a factor."""

    def factor_of(name: str) -> float:
        kind = "Wy" if name in ("Wy", "Wya", "by") else name if name in ("x", "a0", "c0") else name[0]
        return factor if kind in names else 1.0

    # `+ 0` turns -0.0 into 0.0, since programs that compare bytes tell the two apart.
    changed = inputs.with_parameters(
        lambda p: {name: p[name] * p[name].dtype.type(factor_of(name)) + 0 for name in p}
    )
    x, a0, c0 = (getattr(inputs, name) * factor_of(name) + 0 for name in ("x", "a0", "c0"))
    return replace(changed, x=x, a0=a0, c0=c0)


def graded_inputs(inputs: Inputs, names: tuple[str, ...]) -> Inputs:
    """Multiply the named arrays by 1e-9 in the first sample, by 1e3 in the last, by powers of ten between."""
    factors = 10.0 ** np.linspace(-9, 3, inputs.x.shape[1])
    arrays = {
        name: (getattr(inputs, name) * (factors[:, None] if name == "x" else factors)).astype(inputs.x.dtype)
        for name in names
    }
    return replace(inputs, **arrays)


def inputs_for_conditions(
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
                yield from special_inputs(drawn(20 + k, {}), k)
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
    kind, name, period = condition.kind, condition.name, condition.by
    value = int(min(condition.number, LARGEST_SIZE))
    if kind == "size":
        sizes = {*range(value - 2, value + 4), 3 * value // 2, *range(2 * value - 2, 2 * value + 2)}
        yield from ({name: size} for size in sizes)
    elif kind == "equal":
        one, other = name.split(" = ")
        for size in (2, 4, 7, 9):
            yield from ({one: size, other: size}, {one: size, other: size + 1 + size % 2})
    elif kind in ("index", "from end", "residue", "last block"):
        least = 0 if period else value
        beyond = {0, 1, 2, period + 3, 2 * period + 1, least + 3, 2 * least + 1}
        yield from ({_SIZE_ALONG[name]: least + more} for more in beyond)


def _with_spread_samples(example: Inputs, seed: int) -> Inputs:
    """The example with 24 new samples, some with larger numbers and some with smaller numbers."""
    rng = np.random.default_rng([7, seed])
    m, n_x, T_x = 24, *example.x.shape[::2]
    factors = 10 ** rng.uniform(-1.2, 0.7, m)
    samples = example.samples(np.arange(m) % example.x.shape[1])

    def spread(array: Array, drawn: Array, least: float, factors: Array) -> Array:
        size = max(float(np.abs(array).max(initial=0)), least)
        return (drawn * factors * min(size, 1e6)).astype(array.dtype)

    a0, c0 = ((*each.shape[:-1], m) for each in (example.a0, example.c0))
    return replace(
        samples,
        x=spread(example.x, rng.standard_normal((n_x, m, T_x)), 0.5, factors[:, None]),
        a0=spread(example.a0, rng.uniform(-1, 1, a0), 0, np.minimum(factors, 1)),
        c0=spread(example.c0, rng.standard_normal(c0), 0, factors),
    )
