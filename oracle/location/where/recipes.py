"""What an equation gives with something else in the place of one of the arrays that it is made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import permutations

import numpy as np

from reference.contract import Array

Pieces = Mapping[str, Array]
"""Arrays by name: weights `(n, k)`, biases `(n, 1)`, and what they are applied to, `(k, m, T_x)`."""


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
    otherwise: Mapping[str, Callable[[], Array]] = field(default_factory=dict)

    @cached_property
    def substitutes(self) -> Mapping[str, Callable[[], Array]]:
        """In words what is in the place of what, and what the equation gives then."""
        return dict(self._substitutes())

    def _substitutes(self) -> Iterator[tuple[str, Callable[[], Array]]]:
        m = next(array.shape[1] for array in self.pieces.values() if array.ndim == 3)
        for name, others in self.kin.items():
            for other, array in others.items():
                if array.shape == self.pieces[name].shape and other != name:
                    yield f"{other} for {name}", partial(self._with, name, array)
                    if array.ndim == 3:
                        own = self.pieces[name]
                        yield f"{name} + {other} for {name}", partial(self._with, name, own + array)
                        yield f"{name} - {other} for {name}", partial(self._with, name, own - array)
                        yield f"{other} * {name} for {name}", partial(self._with, name, own * array)
        for name, array in self.pieces.items():
            if name.startswith("b") and len(array) == m:
                yield f"{name} taken for one number for each sample", partial(self._with, name, array.T)
            for words, change in _changes(array):
                yield f"{name} {words}", partial(self._changed, [name], change)
        for names in self._alike():
            for words, change in _LESS_PRECISE:
                yield f"{' and '.join(names)} {words}", partial(self._changed, names, change)
        for name, (W, v) in self.products.items():
            for dtype in ("float32", "float16"):
                yield f"{name} computed in {dtype}", partial(self._computed_in, dtype, name)
            for words, change in _NORMALISED.items():
                yield f"{name} {words}", partial(self._with_product, change, W, v)
        yield from self._with_biases_before()
        yield from self.otherwise.items()

    def _alike(self) -> Iterator[list[str]]:
        """Arrays that may be changed together: what weights are applied to, weights, and all."""
        if self.products:
            values = [name for name, array in self.pieces.items() if array.ndim == 3]
            weights = [name for name in self.pieces if name.startswith("W")]
            yield from (names for names in (values, weights) if len(names) > 1)
            yield from (weights + values, [*self.pieces])

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

    def _changed(self, names: Sequence[str], change: "Change") -> Array:
        return self._with_all({name: change(self.pieces[name]) for name in names})

    def _with_product(self, change: "Change", W: Array, v: Array) -> Array:
        own = np.tensordot(W, v, axes=1)
        return np.asarray(self.made(self.pieces) - own + change(own))

    def _computed_in(self, dtype: str, name: str) -> Array:
        W, v = self.products[name]
        steps = [np.ascontiguousarray(v[:, :, t]).astype(dtype) for t in range(v.shape[2])]
        less = np.stack([np.dot(W.astype(dtype), step) for step in steps], axis=2)
        return np.asarray(self.made(self.pieces) - np.tensordot(W, v, axes=1) + less)


Change = Callable[[Array], Array]


def _changes(array: Array) -> Iterator[tuple[str, Change]]:
    yield "replaced by 0", np.zeros_like
    yield from _LESS_PRECISE
    if array.ndim == 2:
        yield from _of_parameter(array)
    else:
        yield from _of_values(array)
    yield "without its sign", np.abs
    yield "with its rows in reverse order", partial(np.flip, axis=0)
    yield "with each row that of the row before", partial(np.roll, shift=1, axis=0)
    yield "with each row that of the row after", partial(np.roll, shift=-1, axis=0)


def _of_parameter(array: Array) -> Iterator[tuple[str, Change]]:
    n, k = array.shape
    if k > 1:
        if n == k:
            yield "transposed", np.transpose
            yield "with its diagonal alone", partial(np.multiply, np.eye(n))
            yield "without its diagonal", partial(np.multiply, 1 - np.eye(n))
        elif n < k:
            yield "with its first square transposed", partial(_block_transposed, slice(None, n))
            yield "with its last square transposed", partial(_block_transposed, slice(-n, None))
        yield "read in the other order of memory", _reread
        yield "written in the other order of memory", _rewritten
        yield "with its columns in reverse order", partial(np.flip, axis=1)
        yield "with its columns one place on", partial(np.roll, shift=1, axis=1)
        yield "with its columns one place back", partial(np.roll, shift=-1, axis=1)
    yield "with its first row for all", partial(_row, 0)
    yield "with its last row for all", partial(_row, -1)
    yield "read as if its rows were as long as its columns", _read_in_rows_of_columns


def _of_values(array: Array) -> Iterator[tuple[str, Change]]:
    k, m, T_x = array.shape
    for steps in (1, 2, 3):
        yield f"of {_steps(steps)} before", partial(_of_earlier, steps)
        yield f"of {_steps(steps)} after", partial(_of_earlier, -steps)
    for axis, what in ((1, "sample"), (2, "step")):
        yield f"of {what} 0", partial(np.take, indices=[0], axis=axis)
        yield f"of the last {what}", partial(np.take, indices=[-1], axis=axis)
        yield f"of the {what}s in reverse order", partial(np.flip, axis=axis)
    yield "of the sample before", partial(np.roll, shift=1, axis=1)
    yield "of the sample after", partial(np.roll, shift=-1, axis=1)
    if k == m:
        yield "transposed", partial(np.swapaxes, axis1=0, axis2=1)
    yield from rearranged(m, T_x)
    yield "with its rows and samples read in the other order of memory", _reread
    yield from stacked_otherwise()
    yield from _NORMALISED.items()
    if k:
        yield "with 0 for its first row", partial(_without, 0)
        yield "with 0 for its last row", partial(_without, -1)
    yield "through tanh", np.tanh
    yield "or 0 where that is negative", partial(np.maximum, 0)
    yield "squared", np.square


def rearranged(m: int, T_x: int) -> Iterator[tuple[str, Change]]:
    """Values of other samples and steps, for what has a whole row of each."""
    if m == T_x:
        yield "with samples and steps exchanged", _exchanged
    if m > 1 and T_x > 1:
        yield "with samples and steps written in one order and read in the other", _steps_first
        yield "with samples and steps read in one order and written in the other", _samples_first
        yield "read in Fortran's order and written in C's", _fortran_read
        yield "read in C's order and written in Fortran's", _fortran_written


def stacked_otherwise() -> Iterator[tuple[str, Change]]:
    """Values that were stacked in one order of axes and reshaped where they should be transposed."""
    for order in permutations(range(3)):
        if order != (0, 1, 2):
            names = ", ".join(("rows", "samples", "steps")[axis] for axis in order)
            yield f"stacked as ({names}) and read as (rows, samples, steps)", partial(_stacked, order)


def _steps(count: int) -> str:
    return "the step" if count == 1 else f"{count} steps"


def _cast(dtype: str, array: Array) -> Array:
    return np.asarray(array.astype(dtype).astype(np.float64))


def _in_bfloat16(array: Array) -> Array:
    """The nearest numbers of 8 digits of two."""
    part, exponent = np.frexp(array)
    return np.asarray(np.ldexp(np.round(part * 2.0**8) / 2.0**8, exponent))


def _rounded(digits: int, array: Array) -> Array:
    return np.asarray(np.round(array, digits))


def _fixed(bits: int, array: Array) -> Array:
    return np.asarray(np.round(array * 2.0**bits) / 2.0**bits)


def _less_precise() -> Iterator[tuple[str, Change]]:
    for dtype in ("float32", "float16"):
        yield f"in {dtype}", partial(_cast, dtype)
    yield "in bfloat16", _in_bfloat16
    for digits in range(1, 9):
        yield f"rounded to {digits} decimal{'s' * (digits > 1)}", partial(_rounded, digits)
    for bits in range(3, 25):
        yield f"rounded to multiples of 2^-{bits}", partial(_fixed, bits)


_LESS_PRECISE = tuple(_less_precise())


def _block_transposed(columns: slice, array: Array) -> Array:
    changed = array.copy()
    changed[:, columns] = array[:, columns].T
    return changed


def _reread(array: Array) -> Array:
    return array.swapaxes(0, 1).reshape(array.shape)


def _rewritten(array: Array) -> Array:
    return array.reshape(array.shape[::-1]).T


def _read_in_rows_of_columns(array: Array) -> Array:
    """As with a wrong leading dimension, n in place of k."""
    n, k = array.shape
    places = n * np.arange(n)[:, None] + np.arange(k)
    return np.asarray(np.take(array.ravel(), places, mode="wrap"))


def _row(place: int, array: Array) -> Array:
    return np.broadcast_to(array[[place]], array.shape)


def _of_earlier(steps: int, array: Array) -> Array:
    moved = np.full_like(array, np.nan)
    if abs(steps) < array.shape[2]:
        to, source = (
            slice(max(steps, 0), min(steps, 0) or None),
            slice(max(-steps, 0), min(-steps, 0) or None),
        )
        moved[:, :, to] = array[:, :, source]
    return moved


def _exchanged(array: Array) -> Array:
    _, m, T_x = array.shape
    return array.swapaxes(1, 2) if m == T_x else np.full_like(array, np.nan)


def _steps_first(array: Array) -> Array:
    n, m, T_x = array.shape
    return array.reshape(n, T_x, m).swapaxes(1, 2)


def _samples_first(array: Array) -> Array:
    return array.swapaxes(1, 2).reshape(array.shape)


def _fortran_read(array: Array) -> Array:
    return array.ravel("F").reshape(array.shape)


def _fortran_written(array: Array) -> Array:
    return array.ravel().reshape(array.shape, order="F")


def _stacked(order: tuple[int, ...], array: Array) -> Array:
    return array.transpose(order).reshape(array.shape)


def _less_mean(axis: int, array: Array) -> Array:
    return np.asarray(array - array.mean(axis=axis, keepdims=True))


def _of_norm_1(array: Array) -> Array:
    return np.asarray(array / np.sqrt(np.square(array).sum(axis=0, keepdims=True)))


def _normalised(axis: int, eps: float, array: Array) -> Array:
    return np.asarray(_less_mean(axis, array) / np.sqrt(array.var(axis=axis, keepdims=True) + eps))


def _standardised(axis: int, eps: float, array: Array) -> Array:
    return np.asarray(_less_mean(axis, array) / (array.std(axis=axis, keepdims=True) + eps))


def _without(row: int, array: Array) -> Array:
    changed = array.copy()
    changed[row] = 0
    return changed


def _ways_to_normalise() -> Iterator[tuple[str, Change]]:
    for axis, over in enumerate(("its rows", "the samples")):
        yield f"less its mean over {over}", partial(_less_mean, axis)
        for eps in (0.0, 1e-3, 1e-5, 1e-6, 1e-8):
            said = f", with {eps:g} added to the variance" if eps else ""
            yield f"normalised over {over}{said}", partial(_normalised, axis, eps)
            if eps:
                said = f", with {eps:g} added to the deviation"
                yield f"normalised over {over}{said}", partial(_standardised, axis, eps)
    yield "divided by its norm", _of_norm_1


_NORMALISED = dict(_ways_to_normalise())
