"""What might stand where something else should: other values, and the right ones of other places."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from oracle.location.how.candidate import Candidate
from oracle.location.how.functions import ACTIVATIONS, FUNCTIONS, RECTIFIERS
from oracle.location.how.logits import of_logits
from oracle.location.how.padding import of_padding_in_front
from oracle.location.how.sorting import of_sorted_samples
from oracle.location.where.affine import product
from oracle.location.where.changes import one_hot, wrapped
from oracle.location.where.digits import LESS_PRECISE
from oracle.location.where.equation import OF_STEP_BEFORE, TAKEN_BEFORE, Equation
from oracle.location.where.normalised import NORMALISED
from oracle.location.where.recipes import Recipe
from oracle.location.where.reordered import rearranged, stacked_otherwise
from reference.contract import Array


def right(equation: Equation) -> Array:
    """The right value itself."""
    return equation.right.value


def named(name: str) -> Candidate:
    """A term of the equation."""
    return partial(_term, name)


def constant(number: float, equation: Equation) -> Array:
    """One number everywhere."""
    return np.full_like(equation.right.value, number)


def mean(axis: int) -> Candidate:
    """The mean of the right values over the rows or the samples."""
    return partial(_mean, axis)


def candidates(equation: Equation) -> Iterator[tuple[str, Candidate]]:
    """All of them in words, the plainest first, for an equation of this kind."""
    for name in (*equation.named, *equation.others):
        if "logit" in name or name == TAKEN_BEFORE:  # of which they are functions; which is said last
            continue
        yield f"the value of {name}", partial(_other, name)
    for name in equation.others:
        yield f"the right value * {name}", partial(_times, name)
    if {"ft", "it"} <= {*equation.terms}:
        yield "the right value / (ft + it)", _weighted
    if not equation.affine and equation.recipe:
        for words, make in equation.recipe.substitutes():
            yield f"made with {words}", partial(_substituted, words, equation.recipe, make)
    if equation.affine and equation.activation in ("tanh", "sigmoid"):
        for words, function in ACTIVATIONS.items():
            yield f"{words} in the place of {equation.activation}(z)", partial(_of_z, function)
    if equation.affine and equation.activation == "max":
        for words, function in RECTIFIERS.items():
            yield f"{words} in the place of max(0, z)", partial(_of_z, function)
    if equation.affine and equation.activation == "softmax":
        yield from of_logits()
    if equation.affine:
        yield f"the bias added after the {equation.activation}, not before", _with_bias_after
    for words, function in FUNCTIONS.items():
        yield words, partial(_function, function)
    if equation.activation != "softmax":
        for words, function in NORMALISED.items():
            yield f"the right value {words}", partial(_function, function)
        for words, change in wrapped():
            yield f"the right value {words}", partial(_function, change)
    for words, change in LESS_PRECISE:
        yield words.replace("in ", "rounded to "), partial(_function, change)
    late = OF_STEP_BEFORE in equation.statement
    for axis, what in ((2, "step"), (1, "sample"), (0, equation.row)):
        yield from _moves(axis, what, late * (axis == 2))
    _, m, T_x = equation.right.value.shape
    for words, change in rearranged(m, T_x):
        yield f"the right ones {words}", partial(_function, change)
    yield (
        f"that of its {plural(equation.row)} and samples read in Fortran's order and written in C's",
        _reread,
    )
    yield f"that of {plural(equation.row)} and samples exchanged", _exchanged
    yield "the right ones in reverse order along all axes", partial(_function, np.flip)
    for words, change in stacked_otherwise():
        yield f"the right ones {words}", partial(_function, change)
    if equation.row == "feature":
        yield "1 for the largest feature and 0 for the others", partial(_function, one_hot)
    yield from of_padding_in_front(equation.name)
    if TAKEN_BEFORE in equation.named:
        yield TAKEN_BEFORE, named(TAKEN_BEFORE)


def plural(what: str) -> str:
    """Units, classes."""
    return f"{what}es" if what.endswith("s") else f"{what}s"


def _moves(axis: int, what: str, late: int) -> Iterator[tuple[str, Candidate]]:
    """Values of other places, as seen from those that are so many places `late`."""
    for k in (1, 2, 3, 4, 8, 16, 32, 64, 128):
        for places in (k, -k):
            yield f"that of {_near(what, places + late)}", partial(_shifted, places, axis)
    if not late:  # of which it is no place of its own
        yield f"that of {what} 0", partial(_at, 0, axis)
        yield f"that of the last {what}", partial(_at, -1, axis)
    yield f"that of the {plural(what)} in reverse order", partial(_reversed, axis)
    yield f"of {what} k that of {what} -k, counted from the end", partial(_negated, axis)
    yield f"that of the {plural(what)} one half away", partial(_half_away, axis)
    if axis == 1:
        yield "that of the first sample with the same xt", _of_first_alike
        yield from of_sorted_samples()
    yield f"that of the {what} before, the last being before the first", partial(_rolled, 1, axis)
    yield f"that of the {what} after, the first being after the last", partial(_rolled, -1, axis)


def _near(what: str, before: int) -> str:
    """A place so many places before."""
    side = "before" if before > 0 else "after"
    if abs(before) < 2:
        return f"the {what} {side}" if before else f"the same {what}"
    return f"{abs(before)} {plural(what)} {side}"


def _with_bias_after(equation: Equation) -> Array:
    """The activation without the bias, and that added."""
    assert equation.affine
    b = equation.affine.b[:, :, None]
    z = product(equation.affine.W, equation.affine.v)
    match equation.activation:
        case "softmax":
            e = np.exp(z - z.max(axis=0, keepdims=True))
            return np.asarray(e / e.sum(axis=0, keepdims=True) + b)
        case "tanh":
            return np.asarray(np.tanh(z) + b)
        case "max":
            return np.asarray(np.maximum(z, 0) + b)
        case _:
            return np.asarray(1 / (1 + np.exp(-z)) + b)


def _of_z(function: Callable[[Array], Array], equation: Equation) -> Array:
    return function(equation.terms["z"])


def _substituted(words: str, first: Recipe, make: Callable[[], Array], equation: Equation) -> Array:
    """What the equation gives with something in the place of something; of logits, less their mean.

    In the first one it is known how to make that, which is not looked up by the words.
    """
    assert equation.recipe
    value = make() if equation.recipe is first else equation.recipe.made_with(words)
    return value if equation.activation != "softmax" else value - value.mean(axis=0, keepdims=True)


def _term(name: str, equation: Equation) -> Array:
    return equation.named[name]


def _other(name: str, equation: Equation) -> Array:
    term = {**equation.others, **equation.named}[name]
    return term if len(term) in (1, len(equation.shown)) else np.full_like(equation.right.value, np.nan)


def _times(name: str, equation: Equation) -> Array:
    return np.asarray(equation.right.value * _other(name, equation))


def _weighted(equation: Equation) -> Array:
    """A mean of what the gates weigh."""
    return np.asarray(equation.right.value / (equation.terms["ft"] + equation.terms["it"]))


def _mean(axis: int, equation: Equation) -> Array:
    return np.asarray(equation.right.value.mean(axis=axis, keepdims=True))


def _function(function: Callable[[Array], Array], equation: Equation) -> Array:
    return function(equation.right.value)


def _shifted(k: int, axis: int, equation: Equation) -> Array:
    """The values `k` places before; NaN where there are none."""
    value = equation.right.value
    moved, n = np.full_like(value, np.nan), value.shape[axis]
    if abs(k) < n:
        to, source = [slice(None)] * 3, [slice(None)] * 3
        to[axis] = slice(k, None) if k > 0 else slice(None, n + k)
        source[axis] = slice(None, n - k) if k > 0 else slice(-k, None)
        moved[tuple(to)] = value[tuple(source)]
    return moved


def _at(place: int, axis: int, equation: Equation) -> Array:
    return np.asarray(np.take(equation.right.value, [place], axis))


def _reversed(axis: int, equation: Equation) -> Array:
    return np.flip(equation.right.value, axis)


def _negated(axis: int, equation: Equation) -> Array:
    return np.roll(_reversed(axis, equation), 1, axis)


def _half_away(axis: int, equation: Equation) -> Array:
    value = equation.right.value
    return np.roll(value, value.shape[axis] // 2, axis)


def _of_first_alike(equation: Equation) -> Array:
    """Each sample's value is that of the first one with the same input at that step; NaN of that itself.

    Nor does it say anything of what is no function of the input, as the state before.
    """
    x, value = equation.answer.input, equation.right.value
    if equation.recipe is None:
        return np.full_like(value, np.nan)
    first = (x[:, :, None] == x[:, None]).all(axis=0).argmax(axis=1)[None]
    is_first = first == np.arange(value.shape[1])[:, None]
    return np.where(is_first, np.nan, np.take_along_axis(value, first, axis=1))


def _rolled(k: int, axis: int, equation: Equation) -> Array:
    return np.roll(equation.right.value, k, axis)


def _reread(equation: Equation) -> Array:
    value = equation.right.value
    return value.swapaxes(0, 1).reshape(value.shape)


def _exchanged(equation: Equation) -> Array:
    value = equation.right.value
    n, m, _ = value.shape
    return value.swapaxes(0, 1) if n == m else np.full_like(value, np.nan)
