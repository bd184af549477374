"""What an equation gives with something else in the place of one of the arrays that it is made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from oracle.location.where.changes import (
    changes,
    of_the_last_block,
    within_limits,
    without_the_rest,
    wrapped,
)
from oracle.location.where.digits import LESS_PRECISE, Change
from oracle.location.where.gates import LETTER
from oracle.location.where.normalised import NORMALISED
from reference.contract import Array

Pieces = Mapping[str, Array]
"""Arrays by name: weights `(n, k)`, biases `(n, 1)`, and what they are applied to, `(k, m, T_x)`."""


_OF_SAMPLES = "taken for one number for each sample"
_SOFT_CAPS = (1, 2, 3, 5, 10, 15, 20, 30, 50, 100)
_TOGETHER = {"{} + {}": np.add, "{} - {}": np.subtract, "{1} * {0}": np.multiply}


@dataclass(frozen=True)
class Recipe:
    """Of what an equation, or the argument of its activation, is made, and how.

    `kin` has what may be taken for a piece, by the name of that; `products` weights and what they multiply;
    `relatives` what the same would be of other weights; `otherwise` what is made in another way, in words.
    """

    pieces: Pieces
    made: Callable[[Pieces], Array]
    kin: Mapping[str, Pieces]
    products: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    relatives: Callable[[], Pieces] | None = None
    otherwise: Callable[[], Mapping[str, Callable[[], Array]]] = dict

    def made_with(self, words: str) -> Array:
        """What the equation gives with one of the substitutes; `KeyError` where it has no such."""
        for said, substitute in self.substitutes():
            if said == words:
                return substitute()
        raise KeyError(words)

    def substitutes(self) -> Iterator[tuple[str, Callable[[], Array]]]:
        """In words what is in the place of what, and what the equation gives then."""
        m = next(array.shape[1] for array in self.pieces.values() if array.ndim == 3)
        for name, others in self.kin.items():
            for other, array in others.items():
                if array.shape == self.pieces[name].shape and other != name:
                    yield f"{other} for {name}", partial(self._with, name, array)
                    if array.ndim == 3:
                        for words, both in _TOGETHER.items():
                            said = words.format(name, other)
                            yield f"{said} for {name}", partial(self._with_both, both, name, array)
                if array.ndim == 2 and array.T.shape == self.pieces[name].shape and other != name:
                    yield f"{other} transposed for {name}", partial(self._with, name, array.T)
        for name, array in self.pieces.items():
            if name.startswith("b") and len(array) == m:
                yield f"{name} {_OF_SAMPLES}", partial(self._with, name, array.T)
            if name.startswith("b"):
                repeated = np.resize(array, (len(array), m))
                yield f"{name} repeated along the rows of (unit, sample)", partial(self._with, name, repeated)
            for words, change in changes(array):
                yield f"{name} {words}", partial(self._changed, [name], change)
        values = [name for name, array in self.pieces.items() if array.ndim == 3]
        of_blocks = (*without_the_rest(), *of_the_last_block()) if self.products else ()
        for words, change in of_blocks if len(values) > 1 else ():
            yield f"{' and '.join(values)} {words}", partial(self._changed_together, values, change)
        if {"a_prev", "xt"} <= {*values}:
            cut = partial(_cut, len(self.pieces["a_prev"]))
            yield "xt with 0 for its rows from n_a on", partial(self._changed, ["xt"], cut)
        for names in self._alike():
            for words, change in LESS_PRECISE:
                yield f"{' and '.join(names)} {words}", partial(self._changed, names, change)
        for name, (W, v) in self.products.items():
            for dtype in ("float32", "float16"):
                yield f"{name} computed in {dtype}", partial(self._computed_in, dtype, name)
            for words, change in (*NORMALISED.items(), *within_limits(), *wrapped()):
                yield f"{name} {words}", partial(self._with_product, change, W, v)
            if W.shape == v.shape[:2]:
                yield f"{name.replace(' ', ' * ')} for {name}", partial(self._with_each, W, v)
        for most in _SOFT_CAPS if self.products else ():
            yield f"{most} tanh(z / {most}) for z", partial(self._softly_capped, most)
        rows = sum(len(self.pieces[name]) for name in values)
        for size in (8, 16, 32, 64) if self.products else ():
            words = f"each bias counted once for each {size} columns, and for the rest"
            yield words, partial(self._with_biases_times, max(-(-rows // size), 1))
        yield from self._with_biases_before()
        yield from self.otherwise().items()
        for name, array in self.pieces.items():
            if name[1:] in LETTER.values():  # of several gates there is one that they have in common
                if name.startswith("b") and len(array) == m:
                    yield f"its b {_OF_SAMPLES}", partial(self._with, name, array.T)
                for words, change in changes(array):
                    yield f"its {name[0]} {words}", partial(self._changed, [name], change)

    def _softly_capped(self, most: float) -> Array:
        return most * np.tanh(self.made(self.pieces) / most)

    def _with_biases_times(self, count: int) -> Array:
        return self._with_all({name: count * b for name, b in self.pieces.items() if name.startswith("b")})

    def _alike(self) -> Iterator[list[str]]:
        """Arrays that may be changed together: what weights are applied to, weights, and all."""
        if self.products:
            values = [name for name, array in self.pieces.items() if array.ndim == 3]
            weights = [name for name in self.pieces if name.startswith("W")]
            yield from (names for names in (values, weights) if len(names) > 1)
            yield from (weights + values, [*self.pieces])
            yield from (both for name in self.products if {*(both := name.split())} <= {*self.pieces})

    def _with_biases_before(self) -> Iterator[tuple[str, Callable[[], Array]]]:
        """A bias that is added to what weights are applied to, with or without that after the product."""
        for bias, b in self.pieces.items():
            for name, v in self.pieces.items():
                if bias.startswith("b") and v.ndim == 3 and len(v) == len(b) and self.products:
                    added = {name: v + b[:, :, None]}
                    yield f"{name} + {bias} for {name}", partial(self._with_all, added)
                    before = {**added, bias: np.zeros_like(b)}
                    yield f"{bias} added to {name} before the product", partial(self._with_all, before)

    def _with_all(self, pieces: Pieces) -> Array:
        return self.made({**self.pieces, **pieces})

    def _with(self, name: str, array: Array) -> Array:
        return self.made({**self.pieces, name: array})

    def _with_both(self, both: Callable[[Array, Array], Array], name: str, array: Array) -> Array:
        return self._with(name, both(self.pieces[name], array))

    def _changed(self, names: Sequence[str], change: Change) -> Array:
        return self._with_all({name: change(self.pieces[name]) for name in names})

    def _changed_together(self, names: Sequence[str], change: Change) -> Array:
        """With a change of arrays that stand one below the other."""
        every = [self.pieces[name] for name in names]
        ends = np.cumsum([len(array) for array in every])[:-1]
        return self._with_all(dict(zip(names, np.split(change(np.concatenate(every)), ends), strict=True)))

    def _with_product(self, change: Change, W: Array, v: Array) -> Array:
        own = np.tensordot(W, v, axes=1)
        return np.asarray(self.made(self.pieces) - own + change(own))

    def _with_each(self, W: Array, v: Array) -> Array:
        """Element by element."""
        return np.asarray(self.made(self.pieces) - np.tensordot(W, v, axes=1) + W[:, :, None] * v)

    def _computed_in(self, dtype: str, name: str) -> Array:
        W, v = self.products[name]
        steps = [np.ascontiguousarray(v[:, :, t]).astype(dtype) for t in range(v.shape[2])]
        less = np.stack([np.dot(W.astype(dtype), step) for step in steps], axis=2)
        return np.asarray(self.made(self.pieces) - np.tensordot(W, v, axes=1) + less)


def _cut(rows: int, array: Array) -> Array:
    return np.where(np.arange(len(array))[:, None, None] < rows, array, 0)
