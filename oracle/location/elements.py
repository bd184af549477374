"""The elements of an equation as a table: what is known of each, and whether it is wrong."""

import numpy as np

from oracle.inputs import Inputs
from oracle.location.equations import CACHED, RETURNED, Equation
from oracle.location.table import FROM_END, FROM_HALF, Table
from reference.contract import Array

MOST_ELEMENTS = 300
"""Of one answer that are looked at."""


def elements(inputs: Inputs, equation: Equation) -> Table:
    """Places, sizes, precision and the terms of the equation, for each element of one answer.

    An element of which the bound says nothing is left out.
    """
    wrong, value = equation.wrong, equation.right.value
    features = _places(equation) | {name: np.asarray(size) for name, size in inputs.sizes.items()}
    features["n_a + n_x"] = np.asarray(inputs.sizes["n_a"] + inputs.sizes["n_x"])
    features["bits"] = np.asarray(8 * inputs.dtype.itemsize)
    x = np.abs(inputs.x[:, :, : wrong.shape[2]])
    features["the largest |xt|"] = x.max(axis=0, keepdims=True, initial=0)
    activated = equation.activation in ("tanh", "sigmoid")
    right = {} if activated else {equation.name.removeprefix(CACHED).removeprefix(RETURNED): value}
    for name, term in {**right, **equation.terms}.items():
        features[name] = term
        features[f"|{name}|"] = np.abs(term)
    mute = ~wrong & (value == 0)
    if equation.activation in ("tanh", "sigmoid", "softmax"):
        mute |= ~wrong & ((np.abs(value) > 1 - 1e-6) | (np.abs(value) < 1e-6))
    places = np.argwhere(np.isfinite(equation.right.error) & np.isfinite(value))
    if len(places) > MOST_ELEMENTS:
        places = np.random.default_rng(0).permutation(places)[:MOST_ELEMENTS]
    at = tuple(places.T)
    return Table(
        {name: np.broadcast_to(each, wrong.shape)[at].astype(np.float64) for name, each in features.items()},
        wrong[at],
        mute[at],
        np.ones(len(places)),
    )


def _places(equation: Equation) -> dict[str, Array]:
    """Which row, sample and step it is, from either end and from the middle."""
    places: dict[str, Array] = {}
    for axis, what in enumerate((equation.row, "sample", "step")):
        count = equation.wrong.shape[axis]
        index = np.arange(count).reshape([-1 if k == axis else 1 for k in range(3)])
        places |= {what: index, what + FROM_END: count - 1 - index, what + FROM_HALF: index - count // 2}
    return places
