"""Draws the problems that locate a mistake. Most of these differ from an ordinary problem in one property."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from oracle.problems.inputs import Inputs
from oracle.problems.problem import DType
from reference.contract import CONTRACTS

BASE = {"n_x": 3, "n_a": 4, "n_y": 5, "m": 6, "T_x": 7}
SIZES = {
    "n_x": (1, 2, 4, 5, 8, 9, 17),
    "n_a": (1, 2, 3, 5, 8, 9, 17),
    "n_y": (1, 2, 3, 4, 8),
    "m": (1, 2, 3, 5, 8, 9, 17, 33, 65, 129),
    "T_x": (1, 2, 3, 5, 9, 11, 17, 33, 65),
}

Draw = Callable[..., Inputs]
"""Draws the inputs of a problem from its sizes, seed, regime and dtype (see `Observer.draw`)."""


def all_problems(function: str, draw: Draw, dtypes: Sequence[DType]) -> Iterator[Inputs]:
    """About a hundred problems; `dtypes` are the dtypes of the function, the widest first."""
    names, dtype = CONTRACTS[function].sizes, dtypes[0]

    def drawn(sizes: Mapping[str, int], seed: int = 11, regime: str = "unit") -> Inputs:
        return draw(**{**BASE, **sizes}, seed=seed, regime=regime, dtype=dtype)

    yield from ordinary_problems(draw, range(4), dtype)
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
        yield from logit_problems(drawn)
    for other in dtypes[1:]:
        for inputs in ordinary_problems(draw, range(3), other):
            yield scaled_inputs(inputs, ("W",), 1.0)  # changes only -0.0
    if wide.c0.size:
        given = drawn({}, 19)
        for name, bias in product(("bf", "bi", "bo"), (-16.0, 16.0)):
            yield _raised(given, name, bias)
    for seed in range(2):
        yield from special_problems(drawn({}, 60 + seed), seed)
        if "T_x" in names:
            yield from (drawn({"T_x": size}, 70 + seed) for size in (12, 40))


def ordinary_problems(draw: Draw, seeds: range, dtype: DType) -> Iterator[Inputs]:
    """Problems of ordinary sizes and numbers."""
    for seed in seeds:
        sizes = {name: size + (seed * k) % 3 for k, (name, size) in enumerate(BASE.items())}
        yield draw(**sizes, seed=seed, regime="unit", dtype=dtype)


def logit_problems(drawn: Draw) -> Iterator[Inputs]:
    """Problems with large, small, or very different logits."""
    for n_y in (2, 4):
        given = drawn({"n_y": n_y}, 15)
        by = given.parameters["by"]
        first = np.arange(n_y)[:, None] == 0
        for change in (by + 60, by - 60, np.where(first, by + 5, by), np.where(first, by + 30, by)):
            yield replace(given, parameters={**given.parameters, "by": change.astype(by.dtype)})
    yield scaled_inputs(drawn({"m": 24}, 16), ("Wy",), 6.0)


def special_problems(inputs: Inputs, seed: int) -> Iterator[Inputs]:
    """Problems with zeros in x, with one-hot inputs, or with zeros in the initial states."""
    rng = np.random.default_rng(seed)
    n_x, m, T_x = inputs.x.shape
    yield replace(inputs, x=inputs.x * (rng.random((1, m if seed else 1, T_x)) < 0.6))
    is_one = np.arange(n_x)[:, None, None] == rng.integers(max(n_x, 1), size=(m, T_x))
    yield replace(inputs, x=(is_one if seed else inputs.x * is_one).astype(inputs.x.dtype))
    yield replace(inputs, a0=inputs.a0 * (np.arange(m) % 2 == seed), c0=inputs.c0 * (np.arange(m) % 3 > 0))
    yield scaled_inputs(inputs, ("a0",) if seed else ("a0", "c0"), 0.0)


def _raised(inputs: Inputs, name: str, by: float) -> Inputs:
    """Add `by` to the parameter `name`."""
    return inputs.with_parameters(lambda p: {**p, name: p[name] + by})


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
