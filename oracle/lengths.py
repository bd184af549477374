"""Draws the lengths of the samples from a seed."""

from typing import Literal

import numpy as np

from reference.contract import Array

Lengths = Literal["absent", "equal", "random", "with 1", "with T_x"]


def drawn(kind: Lengths, seed: int, m: int, T_x: int) -> Array | None:
    """The lengths `(m,)` from 1 to T_x; `None` for the kind `"absent"`.

    If there are several steps, equal lengths are shorter than T_x. Of random lengths, the first is shorter
    than T_x, and another length, if there are several, is longer than the first.
    """
    if kind == "absent":
        return None
    rng = np.random.default_rng([seed, 2])
    lengths = rng.integers(1, T_x + 1, m)
    if not m:
        return lengths
    chosen = rng.integers(m)
    shorter = rng.integers(1, max(T_x, 2))
    if kind == "equal":
        lengths[:] = shorter
    elif kind == "random":
        lengths[0] = shorter
        if (lengths[1:] <= shorter).all():
            lengths[1:][-1:] = T_x
    else:
        lengths[chosen] = 1 if kind == "with 1" else T_x
    return lengths
