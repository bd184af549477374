"""What the entries of the catalogue are written with."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oracle.faults.equations import SPECIFICATION
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
"""The four functions and the layers, whose directions are sequences."""
EVERY_RNN, EVERY_LSTM = (*RNN, *RNN_LAYER), (*LSTM, *LSTM_LAYER)
EVERY_SEQUENCE = (*FORWARDS, *LAYERS)

GATES = {"i": "update", "f": "forget", "c": "candidate", "o": "output"}
THE = {"i": "the update gate", "f": "the forget gate", "c": "the candidate", "o": "the output gate"}

RIGHT = SPECIFICATION["rnn"]
"""The equations as they should be, for an entry that changes what they give."""
concat, cache = RIGHT["concat"], RIGHT["cache"]


def add(
    faults: list[Fault],
    group: str,
    functions: Sequence[str],
    name: str,
    sentence: str,
    **changes: Callable[..., Any],
) -> None:
    """Enter a mistake: the functions that it concerns, and what stands in place of which equations."""
    faults.append(Fault(name, group, sentence, dict.fromkeys(functions, changes)))


def series(faults: list[Fault], group: str, functions: Sequence[str], equation: str) -> Callable[..., None]:
    """To enter mistakes that replace the same equation."""
    return lambda name, sentence, by: add(faults, group, functions, name, sentence, **{equation: by})


Transform = Callable[[dict[str, Array]], dict[str, Array]]
"""What an entry may make of all parameters."""


def each(transform: Callable[[Array], Array], *names: str) -> Transform:
    """The named parameters transformed, of those that there are; without names all."""
    return lambda p: p | {name: transform(p[name]) for name in names or p if name in p}


def read(*sources: tuple[str, str]) -> Transform:
    """Parameters read from where others are: the first of each pair from the second."""
    return lambda p: p | {name: p[source] for name, source in sources}


ORDERS: dict[str, str] = {}
for framework, layout in LAYOUTS.items():
    ORDERS.setdefault(layout.gates.replace("g", "c"), framework)
"""Gate orders in this specification's letters; one that two frameworks have goes by the first."""


def gates_read(stacked: str, order: str) -> Transform:
    """Gates that are stacked in one order read in another."""
    return read(*((part + g, part + h) for g, h in zip(order, stacked, strict=True) for part in "Wb"))


RECURRENT = ("Waa", "Wi", "Wf", "Wc", "Wo")
"""The weights that act on a_prev."""


def a_weights_transposed(*names: str) -> Transform:
    """The parts of the named weights, of those that there are, that act on a_prev transposed."""

    def transposed(p: dict[str, Array]) -> dict[str, Array]:
        squares = ((name, p[name], len(p.get("Wp", p[name]))) for name in names if name in p)
        return p | {name: np.hstack([W[:, :n_h].T, W[:, n_h:]]) for name, W, n_h in squares}

    return transposed


def by_columns(W: Array) -> Array:
    """What a reshape makes of W where it should be transposed."""
    return W.reshape(W.shape[::-1]).T


def exchanged(one: str, other: str) -> Callable[[Sequence[str]], list[str]]:
    """Two of a list of names in each other's place."""
    return lambda names: [{one: other, other: one}.get(name, name) for name in names]
