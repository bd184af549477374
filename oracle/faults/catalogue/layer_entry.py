"""What the entries of the catalogue that concern whole layers are written with."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import GATES, Transform, gates_read
from oracle.faults.equations import Equations
from oracle.faults.layer_equations import SPECIFICATION
from oracle.layout import LAYOUTS
from reference.contract import Array

RIGHT = SPECIFICATION["lstm"]
"""The equations as they should be, for an entry that changes what they give."""

BIASES = ("ba", *(f"b{gate}" for gate in GATES))

ONE_AND_OTHER = (("torch", "onnx"), ("onnx", "torch"), ("torch", "openvino"), ("torch", "haiku"))
"""Frameworks of which the one stacks the gates, and in the order of the other they are read."""

Equation = Callable[[Any], Any]


def above(**changes: Equation) -> Equations:
    """Equations changed in the layers above the first alone."""
    return _where(lambda v: v.layer > 0, changes)


def forward(**changes: Equation) -> Equations:
    """Equations changed in the forward direction alone."""
    return _where(lambda v: v.direction == 0, changes)


def backward(**changes: Equation) -> Equations:
    """Equations changed in the backward direction alone."""
    return _where(lambda v: v.direction == 1, changes)


def _where(here: Callable[[Any], bool], changes: Equations) -> Equations:
    return {
        name: lambda v, right=RIGHT[name], wrong=wrong: (wrong if here(v) else right)(v)
        for name, wrong in changes.items()
    }


def parameters(transform: Transform) -> Equations:
    """The parameters of a direction of a layer changed."""
    return {"p": lambda v: transform(RIGHT["p"](v))}


def misread(here: Callable[..., Equations], one: str, other: str) -> tuple[str, Equations]:
    """A sentence on gates that one framework stacked, and the parameters `here` read as another has them."""
    stacked, order = (LAYOUTS[framework].gates.replace("g", "c") for framework in (one, other))
    sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
    return sentence, here(**parameters(gates_read(stacked, order)))


def states(quantity: str, of: Callable[[Any, str], Array]) -> Equations:
    """The same made of both states, `of` which the second argument says which it is: `a` or `c`."""
    return {f"{state}_{quantity}": lambda v, state=state: of(v, state) for state in "ac"}


def last_of(places: Callable[[Any], Iterable[int]]) -> Equations:
    """The last states of other places, or in another order."""
    return states("last", lambda v, state: np.stack([getattr(v, f"{state}_ends")[k] for k in places(v)]))


def halves(change: Callable[[Array, Array], Iterable[Array]]) -> Equation:
    """What a layer leaves, made otherwise of its forward and its backward half, if there are two."""
    return lambda v: np.concatenate([*change(*np.split(v.padded, 2))]) if v.D == 2 else v.padded
