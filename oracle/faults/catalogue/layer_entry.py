"""Helpers to write the entries of the catalogue for whole layers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from oracle.faults.catalogue.entry import (
    GATES,
    LSTM_LAYER,
    RECURRENT,
    RNN_LAYER,
    Entries,
    Transform,
    a_weights_transposed,
    each,
    gates_read,
)
from oracle.faults.equations import Equations, equation
from oracle.faults.layer_equations import SPECIFICATION, backward_steps, forward_steps, full_lengths
from oracle.layout import LAYOUTS
from reference.contract import LAYERS, Array

RIGHT = SPECIFICATION["lstm"]
"""The right equations, for entries that change their results."""

BIASES = ("ba", *(f"b{gate}" for gate in GATES))

Equation = Callable[[Any], Any]
Change = str | Equation


def through_the_padding(v: Any) -> Array:
    """All steps of x for each sample, `(m, T_x)`, in the order of the direction."""
    return backward_steps(v, full_lengths(v)) if v.direction else forward_steps(v)


def is_own_step(v: Any) -> Array:
    """Whether the current step is before the end of each sequence, `(m,)`."""
    return np.asarray(v.order[:, v.t] < v.ends)


MASKED: Mapping[str, Change] = {
    "order": through_the_padding,
    "a_out": lambda v: np.where(is_own_step(v), RIGHT["a_out"](v), v.a_prev),
    "c_next": lambda v: np.where(is_own_step(v), RIGHT["c_next"](v), v.c_prev),
    "last": full_lengths,
}
"""A right way to use lengths: a direction computes all steps of x, and holds its states in the padding."""


def above(**changes: Change) -> Equations:
    """Change equations only in the layers above the first."""
    return _where(lambda v: v.layer > 0, changes)


def forward(**changes: Change) -> Equations:
    """Change equations only in the forward direction."""
    return _where(lambda v: v.direction == 0, changes)


def backward(**changes: Change) -> Equations:
    """Change equations only in the backward direction."""
    return _where(lambda v: v.direction == 1, changes)


def _where(here: Callable[[Any], bool], changes: Mapping[str, Change]) -> Equations:
    wrong = {name: equation(change) for name, change in changes.items()}
    return {name: lambda v, name=name: (wrong[name] if here(v) else RIGHT[name])(v) for name in changes}


def parameters(transform: Transform) -> Equations:
    """Change the parameters of each direction of each layer."""
    return {"p": lambda v: transform(RIGHT["p"](v))}


def states(quantity: str, change: Callable[[Any, str], Array]) -> Equations:
    """The same change of `a_{quantity}` and `c_{quantity}`; the second argument of `change` is `a` or `c`."""
    return {f"{state}_{quantity}": lambda v, state=state: change(v, state) for state in "ac"}


def last_of(text: str) -> Equations:
    """Return other last states, or the last states in another order; `text` gives their indices."""
    places = equation(text)
    return states("last", lambda v, state: np.stack([getattr(v, f"{state}_ends")[k] for k in places(v)]))


def halves(change: Callable[[Array, Array], Iterable[Array]]) -> Equation:
    """Replace the output of a bidirectional layer by `change(forward half, backward half)`, stacked."""
    return lambda v: np.concatenate([*change(*np.split(v.padded, 2))]) if v.D == 2 else v.padded


def only_in(faults: Entries, name: str, where: str, here: Callable[..., Equations]) -> None:
    """Add the mistakes that people also make only in some layers or directions.

    `name` is a format for the name of the mistake, `where` ends each sentence, and `here` limits the changes.
    """

    def enter(function: Sequence[str], mistake: str, sentence: str, changes: Equations) -> None:
        faults.of(function)(name.format(mistake), f"{sentence} {where}", **changes)

    for mistake, sentence, transform in (
        ("biases_missing", "biases are left out", each(np.zeros_like, *BIASES)),
        ("biases_doubled", "biases are added twice", each(lambda b: 2 * b, *BIASES)),
        ("a_weights_transposed", "the weights of a_prev are transposed", a_weights_transposed(*RECURRENT)),
    ):
        enter(LAYERS, mistake, sentence, here(**parameters(transform)))
    enter(LAYERS, "x_above_a", "[x; a] is used in place of [a; x]", here(concat="np.vstack([xt, a_prev])"))
    for one, other in (("torch", "onnx"), ("onnx", "torch"), ("torch", "openvino"), ("torch", "haiku")):
        stacked, order = (LAYOUTS[framework].gates.replace("g", "c") for framework in (one, other))
        sentence = f"gates stacked as in {one} ({stacked}) are read as in {other} ({order})"
        changes = here(**parameters(gates_read(stacked, order)))
        enter(LSTM_LAYER, f"{one}_gates_read_as_{other}", sentence, changes)
    enter(RNN_LAYER, "tanh_for_relu", "tanh is used in place of relu", here(activation="'tanh'"))
