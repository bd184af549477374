"""Helpers to write the entries of the catalogue."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from oracle.faults import equations, layer_equations
from oracle.faults.equations import Equations, equation
from oracle.faults.fault import Fault
from oracle.faults.layer_equations import backward_steps, forward_steps, full_lengths
from oracle.layout import LAYOUTS
from reference.contract import FUNCTIONS, LAYERS, Array

ALL = FUNCTIONS
RNN = ("rnn_cell_forward", "rnn_forward")
LSTM = ("lstm_cell_forward", "lstm_forward")
FORWARDS = ("rnn_forward", "lstm_forward")
LSTM_FORWARD = ("lstm_forward",)
RNN_LAYER, LSTM_LAYER = ("rnn_layer",), ("lstm_layer",)

EVERY = (*FUNCTIONS, *LAYERS)
"""The four functions and the layers."""
EVERY_RNN, EVERY_LSTM = (*RNN, *RNN_LAYER), (*LSTM, *LSTM_LAYER)
EVERY_SEQUENCE = (*FORWARDS, *LAYERS)

GATES = {"i": "update", "f": "forget", "c": "candidate", "o": "output"}
THE = {"i": "the update gate", "f": "the forget gate", "c": "the candidate", "o": "the output gate"}

RIGHT, RIGHT_LAYER = equations.SPECIFICATION["rnn"], layer_equations.SPECIFICATION["lstm"]
"""The right equations of functions and of layers, for entries that change their results."""
concat, cache = RIGHT["concat"], RIGHT["cache"]

Change = str | Callable[..., Any]
"""The changed equation: a text or a function (see `oracle.faults.equations.equation`)."""


class Entries(list[Fault]):
    """The mistakes of a group, in order."""

    def __init__(self, group: str) -> None:
        super().__init__()
        self.group = group

    def of(self, functions: Sequence[str], quantity: str = "", group: str = "") -> Callable[..., None]:
        """A function that adds a mistake of these functions.

        Its arguments are `(name, sentence, change)` with the change of the `quantity`, or `(name, sentence,
        **changes)` with the changes by the name of the equation that each replaces.
        """

        def add(name: str, sentence: str, change: Change | None = None, **changes: Change) -> None:
            wrong = {**changes, **({} if change is None else {quantity: change})}
            table = {replaced: equation(each) for replaced, each in wrong.items()}
            self.append(Fault(name, group or self.group, sentence, dict.fromkeys(functions, table)))

        return add


# Changes of the parameters.

Transform = Callable[[dict[str, Array]], dict[str, Array]]
"""A change of all parameters."""


def each(transform: Callable[[Array], Array], *names: str) -> Transform:
    """Transform the named parameters that exist, or all parameters without names."""
    return lambda p: p | {name: transform(p[name]) for name in names or p if name in p}


def read(*sources: tuple[str, str]) -> Transform:
    """Read the first parameter of each pair from the second one."""
    return lambda p: p | {name: p[source] for name, source in sources}


ORDERS: dict[str, str] = {}
for framework, layout in LAYOUTS.items():
    ORDERS.setdefault(layout.gates.replace("g", "c"), framework)
"""Gate orders in the letters of the specification, each with the first framework that has it."""


def gates_read(stacked: str, order: str) -> Transform:
    """Read gates that are stacked in one order as gates that are stacked in another order."""
    return read(*((part + g, part + h) for g, h in zip(order, stacked, strict=True) for part in "Wb"))


RECURRENT = ("Waa", "Wi", "Wf", "Wc", "Wo")
"""The weights that act on a_prev."""


def a_weights_transposed(*names: str) -> Transform:
    """Transpose the columns that act on a_prev in each of the named weights that exists."""

    def transposed(p: dict[str, Array]) -> dict[str, Array]:
        squares = ((name, p[name], len(p.get("Wp", p[name]))) for name in names if name in p)
        return p | {name: np.hstack([W[:, :n_h].T, W[:, n_h:]]) for name, W, n_h in squares}

    return transposed


def by_columns(W: Array) -> Array:
    """An array of W's shape, with the entries of W in row order written column by column."""
    return W.reshape(W.shape[::-1]).T


def exchanged(one: str, other: str) -> Callable[[Sequence[str]], list[str]]:
    """Exchange two names in a list."""
    return lambda names: [{one: other, other: one}.get(name, name) for name in names]


# Changes of whole layers.


def through_the_padding(v: Any) -> Array:
    """All steps of x for each sample, `(m, T_x)`, in the order of the direction."""
    return backward_steps(v, full_lengths(v)) if v.direction else forward_steps(v)


def is_own_step(v: Any) -> Array:
    """Whether the current step is before the end of each sequence, `(m,)`."""
    return np.asarray(v.order[:, v.t] < v.ends)


MASKED: Mapping[str, Change] = {
    "order": through_the_padding,
    "a_out": lambda v: np.where(is_own_step(v), RIGHT_LAYER["a_out"](v), v.a_prev),
    "c_next": lambda v: np.where(is_own_step(v), RIGHT_LAYER["c_next"](v), v.c_prev),
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
    return {name: lambda v, name=name: (wrong[name] if here(v) else RIGHT_LAYER[name])(v) for name in changes}


def states(quantity: str, change: Callable[[Any, str], Array]) -> Equations:
    """The same change of `a_{quantity}` and `c_{quantity}`; the second argument of `change` is `a` or `c`."""
    return {f"{state}_{quantity}": lambda v, state=state: change(v, state) for state in "ac"}


def last_of(text: str) -> Equations:
    """Return other last states, or the last states in another order; `text` gives their indices."""
    places = equation(text)
    return states("last", lambda v, state: np.stack([getattr(v, f"{state}_ends")[k] for k in places(v)]))


def halves(change: Callable[[Array, Array], Iterable[Array]]) -> Callable[[Any], Any]:
    """Replace the output of a bidirectional layer by `change(forward half, backward half)`, stacked."""
    return lambda v: np.concatenate([*change(*np.split(v.padded, 2))]) if v.D == 2 else v.padded
