"""What an equation gives with something else in the place of one of the arrays that it is made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from oracle.location.where.blocks import of_the_last_block, without_the_rest
from oracle.location.where.changes import changes, within_limits, wrapped
from oracle.location.where.digits import LESS_PRECISE, Change
from oracle.location.where.gates import LETTER
from oracle.location.where.normalised import NORMALISED
from reference.contract import Array

Pieces = Mapping[str, Array]
"""Arrays by name: weights `(n, k)`, biases `(n, 1)`, and what they are applied to, `(k, m, T_x)`."""
Substitutes = Iterator[tuple[str, Callable[[], Array]]]
"""Words, and what the equation gives then."""

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
        for before, after, group in self._groups():
            if words.startswith(before) and words.endswith(after):
                for said, substitute in group():
                    if words == f"{before}{said}{after}":
                        return substitute()
        raise KeyError(words)

    def substitutes(self) -> Substitutes:
        """In words what is in the place of what, and what the equation gives then."""
        for before, after, group in self._groups():
            for said, substitute in group():
                yield f"{before}{said}{after}", substitute

    def _groups(self) -> Iterator[tuple[str, str, Callable[[], Substitutes]]]:
        """All substitutes, with how the words of each group begin and end: one is sought many times."""
        for name in self.kin:
            yield "", f" for {name}", partial(self._other, name)
        for name in self.pieces:
            yield f"{name} ", "", partial(self._each_change, name)
        values = [name for name, array in self.pieces.items() if array.ndim == 3]
        if self.products and len(values) > 1:
            yield f"{' and '.join(values)} ", "", partial(self._each_change_of_blocks, values)
        if {"a_prev", "xt"} <= {*values}:
            yield "xt ", "", self._cut_at_n_a
        for names in self._alike():
            yield f"{' and '.join(names)} ", "", partial(self._each_less_precise, names)
        for name in self.products:
            yield f"{name} ", "", partial(self._each_change_of_product, name)
            yield f"{name.replace(' ', ' * ')} for ", name, partial(self._each_by_each, name)
        if self.products:
            yield "", " for z", self._softly_capped
            yield "each bias counted once for each ", "", self._biases_of_blocks
        yield "", "", self._with_biases_before
        yield "", "", lambda: iter(self.otherwise().items())
        for name in self.pieces:
            if name[1:] in LETTER.values():  # of several gates there is one that they have in common
                yield f"its {name[0]} ", "", partial(self._each_change, name)

    def _other(self, name: str) -> Substitutes:
        """What has the shape of a piece, for it, and together with it."""
        piece = self.pieces[name]
        for other, array in self.kin[name].items():
            if array.shape == piece.shape and other != name:
                yield other, partial(self._with, name, array)
                if array.ndim == 3:
                    for words, both in _TOGETHER.items():
                        yield words.format(name, other), partial(self._with_both, both, name, array)
            if array.ndim == 2 and array.T.shape == piece.shape and other != name:
                yield f"{other} transposed", partial(self._with, name, array.T)

    def _each_change(self, name: str) -> Substitutes:
        array, m = self.pieces[name], self._m
        if name.startswith("b") and len(array) == m:
            yield _OF_SAMPLES, partial(self._with, name, array.T)
        if name.startswith("b"):
            repeated = np.resize(array, (len(array), m))
            yield "repeated along the rows of (unit, sample)", partial(self._with, name, repeated)
        for words, change in changes(array):
            yield words, partial(self._changed, [name], change)

    @property
    def _m(self) -> int:
        return int(next(array.shape[1] for array in self.pieces.values() if array.ndim == 3))

    def _each_change_of_blocks(self, values: Sequence[str]) -> Substitutes:
        for words, change in (*without_the_rest(), *of_the_last_block()):
            yield words, partial(self._changed_together, values, change)

    def _cut_at_n_a(self) -> Substitutes:
        cut = partial(_cut, len(self.pieces["a_prev"]))
        yield "with 0 for its rows from n_a on", partial(self._changed, ["xt"], cut)

    def _each_less_precise(self, names: Sequence[str]) -> Substitutes:
        for words, change in LESS_PRECISE:
            yield words, partial(self._changed, names, change)

    def _each_change_of_product(self, name: str) -> Substitutes:
        for dtype in ("float32", "float16"):
            yield f"computed in {dtype}", partial(self._computed_in, dtype, name)
        for words, change in (*NORMALISED.items(), *within_limits(), *wrapped()):
            yield words, partial(self._with_product, change, *self.products[name])

    def _each_by_each(self, name: str) -> Substitutes:
        W, v = self.products[name]
        if W.shape == v.shape[:2]:
            yield "", partial(self._with_each, W, v)

    def _softly_capped(self) -> Substitutes:
        for most in _SOFT_CAPS:
            yield f"{most} tanh(z / {most})", partial(self._capped, most)

    def _biases_of_blocks(self) -> Substitutes:
        rows = sum(len(array) for array in self.pieces.values() if array.ndim == 3)
        for size in (8, 16, 32, 64):
            count = max(-(-rows // size), 1)
            yield f"{size} columns, and for the rest", partial(self._with_biases_times, count)

    def _capped(self, most: float) -> Array:
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

    def _with_biases_before(self) -> Substitutes:
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
