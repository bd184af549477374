"""Changes of the parameters `p` of a cell, a dict by name."""

from collections.abc import Callable, Mapping

import numpy as np

from oracle.network.equations import Equations
from oracle.weights.layout import LAYOUTS
from reference.contract import Array

Parameters = Mapping[str, Array]


def mapped(transform: Callable[[Array], Array], *names: str) -> Equations:
    """Apply `transform` to the parameters with these names, or to all parameters if no name is given."""
    return {"parameters": lambda p: {**p, **{name: transform(p[name]) for name in names or p if name in p}}}


def misread_gates(order: str, stacked: str, parts: str = "Wb") -> Equations:
    """Give the k-th gate in `order` the parameters of the k-th gate in `stacked`."""
    pairs = [(part + g, part + h) for g, h in zip(order, stacked, strict=True) for part in parts]
    return {"parameters": lambda p: {**p, **{name: p[other] for name, other in pairs}}}


def split_by_units(order: str) -> Equations:
    """Give the k-th gate in `order` the rows k, k + len(order), … of the stacked parameters of all gates."""

    def parameters(p: Parameters) -> Parameters:
        stacked = {part: np.concatenate([p[part + g] for g in order]) for part in "Wb"}
        split = {part + g: stacked[part][k :: len(order)] for part in "Wb" for k, g in enumerate(order)}
        return {**p, **split}

    return {"parameters": parameters}


def gates_read_as(one: str, other: str) -> tuple[str, str, Equations]:
    """Name, sentence and change of the mistake of taking a framework's order of gates for another's."""
    stacked, order = LAYOUTS[one].gates, LAYOUTS[other].gates
    sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
    return f"{one}_gates_read_as_{other}", sentence, misread_gates(order, stacked)


def a_weights_transposed(gates: str = "ifco") -> Equations:
    """Transpose the columns of the weights that act on a_prev."""

    def parameters(p: Parameters) -> Parameters:
        names = {"Waa", *(f"W{gate}" for gate in gates)} & p.keys()
        squares = ((name, p[name], len(p.get("Wp", p[name]))) for name in names)
        return {**p, **{name: np.hstack([W[:, :n_h].T, W[:, n_h:]]) for name, W, n_h in squares}}

    return {"parameters": parameters}


def by_columns(W: Array) -> Array:
    """The entries of W row by row, written column by column into an array of the same shape."""
    return W.reshape(W.shape[::-1]).T
