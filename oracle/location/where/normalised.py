"""Ways in which values may be normalised: over their rows or the samples, by a norm, by the largest."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from reference.contract import Array


def _less_mean(axis: int, array: Array) -> Array:
    return np.asarray(array - array.mean(axis=axis, keepdims=True))


def _of_norm_1(array: Array) -> Array:
    return np.asarray(array / np.sqrt(np.square(array).sum(axis=0, keepdims=True)))


def _of_largest_1(array: Array) -> Array:
    return np.asarray(array / array.max(axis=0, keepdims=True, initial=-np.inf))


def _of_mean_square_1(array: Array) -> Array:
    return np.asarray(array / np.sqrt(np.square(array).mean(axis=0, keepdims=True)))


def _normalised(axis: int, eps: float, array: Array) -> Array:
    return np.asarray(_less_mean(axis, array) / np.sqrt(array.var(axis=axis, keepdims=True) + eps))


def _standardised(axis: int, eps: float, array: Array) -> Array:
    return np.asarray(_less_mean(axis, array) / (array.std(axis=axis, keepdims=True) + eps))


def _ways_to_normalise() -> Iterator[tuple[str, Callable[[Array], Array]]]:
    for axis, over in enumerate(("its rows", "the samples")):
        yield f"less its mean over {over}", partial(_less_mean, axis)
        for eps in (0.0, 1e-3, 1e-5, 1e-6, 1e-8):
            said = f", with {eps:g} added to the variance" if eps else ""
            yield f"normalised over {over}{said}", partial(_normalised, axis, eps)
            if eps:
                said = f", with {eps:g} added to the deviation"
                yield f"normalised over {over}{said}", partial(_standardised, axis, eps)
    yield "divided by its norm", _of_norm_1
    yield "divided by its largest", _of_largest_1
    yield "divided by its root mean square", _of_mean_square_1


NORMALISED: Mapping[str, Callable[[Array], Array]] = dict(_ways_to_normalise())
"""Changes of a product, in words."""
