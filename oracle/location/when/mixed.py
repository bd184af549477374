"""Problems of all kinds at once, on which no rule was found: what is said has to hold of them, too."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from oracle.diagnosis.questions import problem
from oracle.inputs import Inputs
from oracle.location.when.experiments import BASE
from oracle.regimes import Regime

EXTENTS = (1, 2, 3, 4, 5, 6, 8, 9, 12, 16)
EQUAL = 0.3
"""How often a size is that of another."""
KINDS: tuple[Regime, ...] = ("unit", "unit", "ternary", "unit")
COUNT = 8


def mixed(function: str, seed: int) -> Iterator[Inputs]:
    """Of sizes of which some are equal; in every other problem inputs are 0 but for some of their numbers."""
    rng = np.random.default_rng([1, seed])
    for k in range(COUNT):
        regime = KINDS[k % len(KINDS)]
        sizes = _sizes(rng, least=1 if regime == "unit" else 2)
        made = problem(function, **sizes, regime=regime, seed=100 * seed + k)
        yield _with_zeros(rng, made.inputs(function), of_all=k % 4 == 1) if k % 2 else made.inputs(function)


def _sizes(rng: np.random.Generator, least: int) -> dict[str, int]:
    """At least 2 where values saturate: what of a size of 1 tells nothing for that would be no exception."""
    sizes = {name: max(int(rng.choice(EXTENTS)), least) for name in BASE}
    for name in BASE:
        if rng.random() < EQUAL:
            sizes[name] = sizes[str(rng.choice([*BASE]))]
    return sizes


def _with_zeros(rng: np.random.Generator, inputs: Inputs, of_all: bool) -> Inputs:
    """One number alone in the input of each step, of all samples; or of some, in which it is 1, or none."""
    n_x, m, T_x = inputs.x.shape
    is_one = np.arange(n_x)[:, None, None] == rng.integers(max(n_x, 1), size=(m, T_x))
    if of_all:
        return replace(inputs, x=inputs.x * is_one)
    kind, gaps = rng.integers(3, size=(m, 1)), rng.random((m, T_x)) < 0.5
    x = np.where(kind == 0, is_one, np.where((kind == 1) & gaps, 0, inputs.x))
    return replace(inputs, x=x.astype(inputs.x.dtype))
