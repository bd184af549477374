"""What might be shown for a softmax: other functions of the logits, or divided by other sums."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from oracle.location.how.activation.exponentials import another_exp
from oracle.location.how.candidate import Candidate
from oracle.location.how.shifts import SHIFTED
from oracle.location.where.equation import Equation
from reference.contract import Array


def of_logits() -> Iterator[tuple[str, Candidate]]:
    """All of them in words, the plainest first."""
    for words, function in _OF_LOGITS.items():
        yield words, partial(_of_logit, function)
    for which, k in (("first", 0), ("last", -1)):
        yield f"a softmax with 0 for the logit of the {which} class", partial(_with_0_for, k)
    yield _PUT_BACK, _put_back_as_sorted
    for k in range(5, 17):
        yield f"the logarithm of (the right value + 1e-{k:02})", partial(_logarithm, 10.0**-k)
    # Of a sample of which little is left by a shift, other sums than this one may be left as well.
    yield from SHIFTED.items()
    for words, divisor in _DIVISORS.items():
        yield f"exp(logit) / the sum of these {words}", partial(_divided, (0, 1), divisor)
        yield f"exp(logit - the largest) / the sum of these {words}", partial(_divided, 0, divisor)
    yield "exp(logit - the largest of the class) / the sum of these", _largest_of_class
    yield _IN_PLACE, _divided_in_place
    for size in (1, 2, 4, 8, 16, 32, 64):
        yield f"{_UNSCALED} {size}" if size > 1 else _UNSCALED_EACH, partial(_not_scaled_again, size)
    for words, exp in another_exp():
        yield f"a softmax with {words} for exp(u), u from the largest logit", partial(_made_with, exp)


_OF_LOGITS: Mapping[str, Callable[[Array], Array]] = {
    "the logit": lambda s: s,
    "the sigmoid of the logit": lambda s: 1 / (1 + np.exp(-s)),
    "the tanh of the logit": np.tanh,
    "exp(logit)": np.exp,
    "the logarithm of the right value": lambda s: s - np.logaddexp.reduce(s, axis=0, keepdims=True),
}


def _sum_of_near(most: float, e: Array) -> Array:
    return np.asarray(np.where(e > e.max(axis=0) * np.exp(-most), e, 0).sum(axis=0, keepdims=True))


_DIVISORS: Mapping[str, Callable[[Array], Array]] = {
    "over the samples": lambda e: e.sum(axis=1, keepdims=True),
    "over all classes and samples": lambda e: e.sum(axis=(0, 1), keepdims=True),
    "over the classes up to its own": lambda e: np.cumsum(e, axis=0),
    "over the classes from its own on": lambda e: np.flip(np.cumsum(np.flip(e, 0), axis=0), 0),
    **{
        f"over the classes less than {most} below the largest": partial(_sum_of_near, most)
        for most in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
    },
}
"""What a softmax may be divided by in place of the sum over the classes."""


def _divided(axes: int | tuple[int, int], divisor: Callable[[Array], Array], equation: Equation) -> Array:
    """Of exponentials below the largest of the sample, or of all."""
    assert equation.affine
    s = equation.affine.value
    e = np.exp(s - s.max(axis=axes, keepdims=True))
    return np.asarray(e / divisor(e))


def _largest_of_class(equation: Equation) -> Array:
    """Of which each class has another shift, so it is wrong wherever there are several."""
    assert equation.affine
    e = np.exp(equation.affine.value - equation.affine.value.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=0, keepdims=True))


def _with_0_for(k: int, equation: Equation) -> Array:
    assert equation.affine
    s = np.array(equation.affine.value)
    s[k] = 0
    return np.asarray(np.exp(s - np.logaddexp.reduce(s, axis=0, keepdims=True)))


_PUT_BACK = "that of class order[order[k]], order = argsort(logits)"


def _put_back_as_sorted(equation: Equation) -> Array:
    """As where they are put back by the order in which they were sorted, and not by its inverse."""
    assert equation.affine
    order = np.argsort(equation.affine.value, axis=0, kind="stable")
    return np.take_along_axis(equation.right.value, np.take_along_axis(order, order, axis=0), axis=0)


_IN_PLACE = "exp(logit - the largest) / the sum of these, in which the classes before are already divided"


_UNSCALED_EACH = "exp(logit - the largest) / the sum of exp(logit - the largest so far)"
_UNSCALED = f"{_UNSCALED_EACH}, in blocks of"


def _not_scaled_again(size: int, equation: Equation) -> Array:
    """A softmax in one pass, whose sum is not made smaller where a later block has a larger logit."""
    assert equation.affine
    s = equation.affine.value
    so_far = np.maximum.accumulate(s, axis=0)
    ends = np.minimum(np.arange(len(s)) // size * size + size, len(s)) - 1
    return np.asarray(np.exp(s - so_far[-1]) / np.exp(s - so_far[ends]).sum(axis=0))


def _made_with(exp: Callable[[Array], Array], equation: Equation) -> Array:
    """A softmax with another function for `exp`."""
    assert equation.affine
    s = equation.affine.value
    e = exp(s - s.max(axis=0, keepdims=True))
    return np.asarray(e / e.sum(axis=0, keepdims=True))


def _divided_in_place(equation: Equation) -> Array:
    assert equation.affine
    s = equation.affine.value
    e = np.exp(s - s.max(axis=0, keepdims=True))
    for k in range(len(e)):
        e[k] /= e.sum(axis=0)
    return np.asarray(e)


def _logarithm(added: float, equation: Equation) -> Array:
    return np.log(equation.right.value + added)


def _of_logit(function: Callable[[Array], Array], equation: Equation) -> Array:
    assert equation.affine
    return function(equation.affine.value)
