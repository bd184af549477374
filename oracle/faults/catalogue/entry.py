"""Helpers to write the entries of the catalogue."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracle.faults.equations import SPECIFICATION, equation
from oracle.faults.fault import Fault
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

RIGHT = SPECIFICATION["rnn"]
"""The right equations, for entries that change their results."""
concat, cache = RIGHT["concat"], RIGHT["cache"]


class Entries(list[Fault]):
    """The mistakes of a group, in order."""

    def __init__(self, group: str) -> None:
        super().__init__()
        self.group = group

    def of(self, functions: Sequence[str], group: str = "") -> Callable[..., None]:
        """A function that adds a mistake of these functions: `(name, sentence, **changes)`.

        A change is a text or a function (see `equation`), by the name of the equation that it replaces.
        """

        def add(name: str, sentence: str, **changes: str | Callable[..., Any]) -> None:
            equations = {quantity: equation(change) for quantity, change in changes.items()}
            self.append(Fault(name, group or self.group, sentence, dict.fromkeys(functions, equations)))

        return add

    def series(self, functions: Sequence[str], quantity: str, group: str = "") -> Callable[..., None]:
        """A function that adds a mistake with a change of this quantity: `(name, sentence, change)`."""
        add = self.of(functions, group)
        return lambda name, sentence, change: add(name, sentence, **{quantity: change})


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
