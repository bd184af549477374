"""What an activation is taken of: weights times values, and a bias."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


@dataclass(frozen=True)
class Affine:
    """What an activation is taken of: `W v + b`, with `v (k, m, T_x)`, and what its columns are called."""

    W: Array
    v: Array
    b: Array
    columns: Sequence[str]

    @property
    def value(self) -> Array:
        """The argument, `(n, m, T_x)`."""
        return np.asarray(product(self.W, self.v) + self.b[:, :, None])


def product(W: Array, v: Array) -> Array:
    """Weights times what they are applied to, `(n, m, T_x)`."""
    return np.asarray(np.tensordot(W, v, axes=1))


def bounded(fl: Arithmetic, affine: Affine) -> Bounded:
    """Its value on numbers that are exact, with the bound on its error."""
    return affine_of(fl, affine.W, Bounded.exact(affine.v), affine.b)


def affine_of(fl: Arithmetic, W: Array, v: Bounded, b: Array) -> Bounded:
    """`W v + b` at every step."""
    value, error = (part.reshape(len(part), -1) for part in (v.value, v.error))
    z = fl.affine(W, Bounded(value, error), b)
    return Bounded(*(part.reshape(len(W), *v.value.shape[1:]) for part in (z.value, z.error)))


def columns_of(given: Mapping[str, Array]) -> list[str]:
    """What the columns of the weights are for."""
    return [f"{name}[{k}]" for name in ("a_prev", "xt") for k in range(len(given[name]))]


def total(*parts: Array) -> Array:
    """Of arguments `(n, m, T_x)` and biases `(n, 1)`."""
    return np.asarray(sum(part if part.ndim == 3 else part[:, :, None] for part in parts))


Made = Mapping[str, Callable[[], Array]]
"""Values by how they are made, in words."""


def updated(z: Array, W: Array, a_prev: Array, a_next: Array) -> Made:
    """The argument where units are updated in place, and read by those that come after them."""
    n = len(a_prev)
    return {
        words: partial(with_new, z, W[:, :n] * read, a_next - a_prev) for words, read in read_anew(n).items()
    }


def read_anew(n: int) -> Mapping[str, Array]:
    """Which units `(n, n)` each of them reads as they were just updated, in words."""
    row, column = np.arange(n)[:, None], np.arange(n)
    read: dict[str, Array] = {"units before its own": column < row}
    for size in (2, 4, 8, 16, 24, 32, 48, 64):
        read[f"units before its own {size}"] = column < row - row % size
        read[f"first {size} units, in the units after them"] = (column < size) & (row >= size)
    return {f"a_next for a_prev of the {which}": chosen for which, chosen in read.items()}


def with_new(z: Array, W: Array, change: Array) -> Array:
    """The argument with a change of some of what weights are applied to."""
    return np.asarray(z + product(W, change))
