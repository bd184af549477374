"""What the entries of the catalogue are written with."""

from collections.abc import Callable, Sequence
from typing import Any

from oracle.faults.equations import SPECIFICATION
from oracle.faults.fault import Fault
from reference.contract import FUNCTIONS, Array

ALL = FUNCTIONS
RNN = ("rnn_cell_forward", "rnn_forward")
LSTM = ("lstm_cell_forward", "lstm_forward")
FORWARDS = ("rnn_forward", "lstm_forward")
LSTM_FORWARD = ("lstm_forward",)

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


def exchanged(one: str, other: str) -> Callable[[Sequence[str]], list[str]]:
    """Two of a list of names in each other's place."""
    return lambda names: [{one: other, other: one}.get(name, name) for name in names]
