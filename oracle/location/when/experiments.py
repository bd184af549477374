"""The problems that are asked to find out when a function is wrong: one thing moved at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs
from oracle.problem import Problem
from reference.contract import CONTRACTS

BASE = {"n_x": 3, "n_a": 4, "n_y": 5, "m": 6, "T_x": 7}
EXTENTS = (*range(1, 12), 13, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 130)
MOST_AGAIN = 1000
"""The largest extent: of one far place that is wrong the double is asked, for it may come again and again."""
DECADES = (-14, -11, -9, -7, -5, -3, -2, -1, 1, 2, 3)

OF_STEP = (("x",), ("a0",), ("c0",), ("W",), ("b",))
KINDS = (*OF_STEP, ("Wy",))
"""Arrays that are scaled together."""


def every(function: str, counterexample: Problem, without: Sequence[str] = ()) -> Iterator[Inputs]:
    """All of the below; `without` what only moves classes, where there is no n_y, or steps, where no T_x."""
    names = [name for name in sizes_of(function) if name not in without]
    yield from of_mixed_sizes(function)
    yield from by_size(function, counterexample, names)
    yield from equal_sizes(function, names)
    yield from multiples(function)
    yield from by_magnitude(function, KINDS if "n_y" in names else OF_STEP)
    yield from in_precisions(function)
    yield _with_biases_of_zero(problem(function, **BASE, seed=18).inputs(function))
    yield _with_one_sample_at_rest(problem(function, **BASE, seed=22).inputs(function))
    yield from by_gates(function)
    yield from of_first_steps(function)
    yield from of_samples_alike(function)
    yield from of_samples_apart(function)
    if "n_y" in names:
        yield from by_logits(function)
    if "T_x" in names:
        yield from of_gaps(function, range(2))
        yield from of_repeats(function, range(4))
        yield from of_settling(function, range(2))
    yield from of_zeros_and_ones(function, range(1))


def ordinary(function: str, seeds: range = range(4), dtype: str = "float64") -> Iterator[Inputs]:
    """Problems of ordinary sizes and numbers."""
    for seed in seeds:
        sizes = {name: size + (seed * k) % 3 for k, (name, size) in enumerate(BASE.items())}
        yield problem(function, **sizes, seed=seed, dtype=dtype).inputs(function)


def by_size(function: str, counterexample: Problem, names: Sequence[str]) -> Iterator[Inputs]:
    """Every size by itself, the others held: those of the counterexample, and ordinary ones."""
    held = {**BASE, **counterexample.sizes}
    for name in names:
        for extent in EXTENTS:
            yield problem(function, **{**BASE, name: extent}, seed=11).inputs(function)
    for name in names:
        for extent in {max(held[name] + step, 1) for step in (-2, -1, 1, 2)}:
            yield _like(counterexample, name, extent).inputs(function)


def of_mixed_sizes(function: str) -> Iterator[Inputs]:
    """All sizes others at once, so that what hangs on one is not taken for what hangs on another."""
    rng = np.random.default_rng(17)
    for seed in range(20):
        sizes = {name: int(size) for name, size in zip(BASE, rng.integers(1, 20, len(BASE)), strict=True)}
        yield problem(function, **sizes, seed=seed).inputs(function)


def equal_sizes(function: str, names: Sequence[str]) -> Iterator[Inputs]:
    """Every pair of sizes equal, and no other."""
    for i, one in enumerate(names):
        for other in names[:i]:
            for size in (3, 8):
                sizes = {name: 5 + 2 * k for k, name in enumerate(names)} | {one: size, other: size}
                yield problem(function, **{**BASE, **sizes}, seed=12).inputs(function)


def multiples(function: str) -> Iterator[Inputs]:
    """Multiples of 4 and of 8 for two sizes at once, for which there may be faster ways."""
    for n_x, n_a in ((8, 8), (8, 16), (16, 8), (24, 16), (8, 12), (12, 8), (12, 20), (20, 12)):
        yield problem(function, **{**BASE, "n_x": n_x, "n_a": n_a}, seed=21).inputs(function)


def of_sizes(function: str, sizes: Mapping[str, int], seed: int) -> Inputs:
    """An ordinary problem with some sizes given."""
    others = {name: size for name, size in BASE.items() if name not in sizes}
    return problem(function, **others, **sizes, seed=seed).inputs(function)


def by_magnitude(function: str, kinds: Sequence[tuple[str, ...]] = KINDS) -> Iterator[Inputs]:
    """Arrays of one kind at a time of another magnitude, many samples at once."""
    sizes = {"n_x": 3, "n_a": 5, "n_y": 4, "m": 24, "T_x": 3}
    given = problem(function, **sizes, seed=13).inputs(function)
    for names in (*kinds, ("x", "a0", "c0"), ("x", "a0", "c0", "b")):
        if names == ("c0",) and not (given.c0.size and CONTRACTS[function].is_cell):
            continue
        for k in DECADES:
            yield scaled(given, names, 10.0**k)
        yield scaled(given, names, 0.0)
    for seed in range(4):
        for regime in ("wild", "counting", "tiny", "ternary"):
            yield problem(function, **{**sizes, "T_x": 6}, seed=seed, regime=regime).inputs(function)
    yield problem(function, **{**sizes, "m": 6, "T_x": 80}, seed=1, regime="counting").inputs(function)


def scaled(inputs: Inputs, names: tuple[str, ...], factor: float) -> Inputs:
    """Some arrays times a factor: `x`, `a0`, `c0`, all `W` or `b` of a step, or those of the head, `Wy`."""

    def of(name: str) -> float:
        head = name in ("Wy", "Wya", "by")
        kind = "Wy" if head else name if name in ("x", "a0", "c0") else name[0]
        return factor if kind in names else 1.0

    # A zero is one that is not negative, which some who compare bytes take for another number.
    parameters = {name: array * of(name) + 0.0 for name, array in inputs.parameters.items()}
    x, a0, c0 = (getattr(inputs, name) * of(name) + 0.0 for name in ("x", "a0", "c0"))
    return replace(inputs, x=x, a0=a0, c0=c0, parameters=parameters)


def of_gaps(function: str, seeds: Iterable[int]) -> Iterator[Inputs]:
    """Ordinary problems in which some samples, or all of them, have an input of 0 at some steps."""
    for seed in seeds:
        inputs = problem(function, **BASE, seed=60 + seed).inputs(function)
        _, m, T_x = inputs.x.shape
        is_there = np.random.default_rng(seed).random((1, m if seed % 2 else 1, T_x)) < 0.6
        if seed % 4 == 0:  # so that it is seen whether the first step that may be left out is
            is_there[:, :, :2] = np.arange(T_x)[:2] == 0
        yield replace(inputs, x=inputs.x * is_there)


def of_repeats(function: str, seeds: Iterable[int]) -> Iterator[Inputs]:
    """Ordinary problems in which some samples, or all, have the input of a step before at some steps."""
    for seed in seeds if not CONTRACTS[function].is_cell else ():
        inputs = problem(function, **{**BASE, "T_x": 12}, seed=70 + seed).inputs(function)
        x, (_, m, T_x) = inputs.x.copy(), inputs.x.shape
        rng = np.random.default_rng(seed)
        repeats = rng.random((m if seed % 2 else 1, T_x)) < 0.5
        for t in range(1, T_x):
            earlier = x[:, :, t - 1 if rng.random() < 0.6 else rng.integers(t)]
            x[:, :, t] = np.where(repeats[:, t], earlier, x[:, :, t])
        yield replace(inputs, x=x)


def of_balanced(function: str, seeds: Iterable[int]) -> Iterator[Inputs]:
    """Inputs that nearly sum to 0, on both sides: all of a step, or those of each sample."""
    for seed, axes in product(seeds, ((0, 1), (0,))):
        inputs = problem(function, **BASE, seed=90 + seed).inputs(function)
        off = np.random.default_rng(seed).uniform(-1e-3, 1e-3, inputs.x.shape[1:])
        yield replace(inputs, x=inputs.x - inputs.x.mean(axis=axes, keepdims=True) + off)


def of_settling(function: str, seeds: Iterable[int]) -> Iterator[Inputs]:
    """States that move less from step to step, for inputs that are nearly the same."""
    for seed in seeds if not CONTRACTS[function].is_cell else ():
        inputs = problem(function, **{**BASE, "T_x": 40}, seed=80 + seed).inputs(function)
        inputs = replace(inputs, x=inputs.x[:, :, :1] + 1e-10 * inputs.x)
        yield scaled(inputs, ("W",), 0.2 + 0.1 * (seed % 4))


def _with_biases_of_zero(inputs: Inputs) -> Inputs:
    """The same with biases of which one number is 0, and not all."""
    parameters = {
        name: np.where(np.arange(len(array))[:, None] == 0, 0, array)
        if name[0] == "b" and name != "by"
        else array
        for name, array in inputs.parameters.items()
    }
    return replace(inputs, parameters=parameters)


def _with_one_sample_at_rest(inputs: Inputs) -> Inputs:
    """The same with a hidden state of which that of one sample is 0, and not all."""
    return replace(
        inputs, a0=np.where(np.arange(inputs.a0.shape[1]) == 1, 0, inputs.a0).astype(inputs.a0.dtype)
    )


def by_gates(function: str) -> Iterator[Inputs]:
    """One gate of an LSTM at a time shut, or open, by its bias."""
    given = problem(function, **BASE, seed=19).inputs(function)
    for name in ("bf", "bi", "bo") if given.kind == "lstm" else ():
        for bias in (-40.0, -16.0, 16.0):
            yield replace(given, parameters={**given.parameters, name: given.parameters[name] + bias})


def of_first_steps(function: str) -> Iterator[Inputs]:
    """Initial states of 0, of some samples; and of all, where an LSTM's cell has two of them."""
    for n_a, m in ((4, 6), (9, 24)):
        given = problem(function, **{**BASE, "n_a": n_a, "m": m}, seed=20).inputs(function)
        first = scaled(given, ("a0", "c0"), 0.0)
        yield blended(given, first)
        if given.c0.size and CONTRACTS[function].is_cell:
            yield first


def blended(inputs: Inputs, others: Inputs) -> Inputs:
    """Every other sample of each."""
    is_other = np.arange(inputs.x.shape[1]) % 2 == 1
    x = np.where(is_other[:, None], others.x, inputs.x)
    a0, c0 = (np.where(is_other, getattr(others, name), getattr(inputs, name)) for name in ("a0", "c0"))
    return replace(inputs, x=x, a0=a0, c0=c0)


def of_samples_alike(function: str, seeds: range = range(2)) -> Iterator[Inputs]:
    """Some samples of the same inputs, in other states."""
    for seed in seeds:
        given = problem(function, **BASE, seed=seed).inputs(function)
        x = given.x.copy()
        x[:, [3, 5]] = x[:, [1, 0]]
        yield replace(given, x=x)


def of_samples_apart(function: str, seeds: range = range(2)) -> Iterator[Inputs]:
    """Samples of other magnitudes, in which one is small beside another."""
    for seed in seeds:
        given = problem(function, **{**BASE, "m": 12}, seed=50 + seed).inputs(function)
        factors = 10.0 ** -np.random.default_rng(seed).integers(0, 10, 12)
        yield replace(
            given,
            x=given.x * factors[:, None],
            a0=given.a0 * factors[::-1],
            c0=given.c0 * np.roll(factors, 5),
        )


def of_zeros_and_ones(function: str, seeds: range = range(2)) -> Iterator[Inputs]:
    """Inputs of one 1 and of several, in samples of one problem and of two: what one looks up in a table."""
    for seed in seeds:
        for of_several, m in ((False, 7), (True, 12), (True, 5 - 4 * (seed % 2))):
            inputs = problem(function, **{**BASE, "n_x": 3 + seed % 3, "m": m}, seed=100 + seed).inputs(
                function
            )
            rng, largest = np.random.default_rng(seed), inputs.x.argmax(axis=0)
            one = np.arange(len(inputs.x))[:, None, None] == largest
            several, is_other = rng.random(inputs.x.shape) < 0.5, rng.random((1, m, 1)) < of_several / 2
            yield replace(inputs, x=np.where(is_other, several, one).astype(inputs.x.dtype))


def by_logits(function: str) -> Iterator[Inputs]:
    """All logits large, small, or far apart, of two classes and of four."""
    for n_y in (2, 4):
        given = problem(function, **{**BASE, "n_y": n_y}, seed=15).inputs(function)
        by = given.parameters["by"]
        for k in (20, 50, 80, 100, 300, 700, 800, 2000):
            for change in (by + k, by - k, np.where(np.arange(n_y)[:, None] == 0, by + k, by)):
                yield replace(given, parameters={**given.parameters, "by": change})


def of_logits_apart(function: str, dtype: str) -> Iterator[Inputs]:
    """Logits that are far from those of other classes, samples and steps."""
    for seed, factor in product(range(3), (300.0, 1000.0, 3000.0)):
        yield scaled(problem(function, **BASE, seed=90 + seed, dtype=dtype).inputs(function), ("Wy",), factor)


def of_one_network(example: Inputs, count: int) -> Iterator[Inputs]:
    """Ordinary inputs and states for the parameters of an example, in its shape."""
    rng = np.random.default_rng(16)
    for _ in range(count):
        given = (example.x, example.a0, example.c0)
        x, a0, c0 = (rng.standard_normal(array.shape).astype(array.dtype) for array in given)
        yield replace(example, x=x, a0=a0, c0=c0 if example.c0.any() else example.c0)


def cut(inputs: Inputs, name: str, extent: int) -> Inputs:
    """The first samples, or steps."""
    if name == "T_x":
        return replace(inputs, x=inputs.x[:, :, :extent])
    x, a0, c0 = (array[:, :extent] for array in (inputs.x, inputs.a0, inputs.c0))
    return replace(inputs, x=x, a0=a0, c0=c0)


def cast(inputs: Inputs, dtype: str) -> Inputs:
    """The same numbers in another precision."""
    parameters = {name: array.astype(dtype) for name, array in inputs.parameters.items()}
    x, a0, c0 = (array.astype(dtype) for array in (inputs.x, inputs.a0, inputs.c0))
    return replace(inputs, x=x, a0=a0, c0=c0, parameters=parameters, dtype=np.dtype(dtype))


def in_precisions(function: str) -> Iterator[Inputs]:
    """Ordinary problems in less than float64."""
    for dtype in ("float32", "float16"):
        yield problem(function, **BASE, seed=14, dtype=dtype).inputs(function)
    larger = problem(function, **{**BASE, "n_y": 12, "n_a": 9}, seed=15, dtype="float32")
    yield scaled(larger.inputs(function), ("W",), 3.0)


def _like(counterexample: Problem, name: str, extent: int) -> Problem:
    changed: dict[str, Any] = {name: extent}
    return replace(counterexample, **changed)


def sizes_of(function: str) -> list[str]:
    """The sizes that a function has."""
    return [name for name in BASE if name != "T_x" or not CONTRACTS[function].is_cell]
