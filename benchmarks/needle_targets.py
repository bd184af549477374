"""Targets with a rare mistake: the reference, whose `lstm_forward` is wrong under one condition."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

import reference
from reference.contract import Array

Mistake = Callable[[Array, Array, Mapping[str, Array]], None]
"""Changes the states `a (n_a, m, T_x)` and the predictions `y (n_y, m, T_x)` in place."""


def with_mistake(mistake: Mistake) -> SimpleNamespace:
    """Return a target with this mistake. The mistake's docstring is its condition."""

    def lstm_forward(x: Any, a0: Any, parameters: Any) -> Any:
        a, y, c, caches = reference.lstm_forward(x, a0, parameters)
        mistake(a, y, parameters)
        return a, y, c, caches

    return SimpleNamespace(lstm_forward=lstm_forward, condition=mistake.__doc__)


@with_mistake
def no_samples(a: Array, y: Array, parameters: Mapping[str, Array]) -> None:
    """`m` is 0"""
    y.max()


@with_mistake
def square(a: Array, y: Array, parameters: Mapping[str, Array]) -> None:
    """`n_a` equals `m`"""
    if a.shape[0] == a.shape[1]:
        a[:, :, 0] = a[:, :, 0].T.copy()


@with_mistake
def large_logits(a: Array, y: Array, parameters: Mapping[str, Array]) -> None:
    """a logit is above 800"""
    logits = np.einsum("ya,amt->ymt", parameters["Wy"], a) + parameters["by"][:, :, None]
    y[:, (logits > 800).any(axis=0)] = np.nan


@with_mistake
def wide_and_long(a: Array, y: Array, parameters: Mapping[str, Array]) -> None:
    """`n_a` is 37 and `T_x` is above 100"""
    if a.shape[0] == 37 and a.shape[2] > 100:
        a[:, :, -1] *= 1.001
