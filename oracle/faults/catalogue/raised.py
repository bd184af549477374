"""Mistakes that always raise, with the errors by which they are recognised."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from reference.contract import CONTRACTS

_ENTRIES = "|".join(str(len(contract.cache) + 1) for contract in CONTRACTS.values() if contract.is_cell)
"""The possible numbers of entries of a cell's cache, as alternatives of a regular expression."""


class Raising(NamedTuple):
    """A mistake in a sentence, and the type and the text of its error."""

    sentence: str
    type: str
    text: re.Pattern[str]


ERRORS: Mapping[str, Raising] = {
    "cache_made_an_array": Raising(
        "the cache of a step is made into an array, as by np.append(caches, cache) for caches.append(cache)",
        "ValueError",
        re.compile(rf"inhomogeneous shape after 1 dimensions.* was \((?:{_ENTRIES}),\)"),
    ),
    "head_weights_of_lstm": Raising(
        "an RNN's head weights have the key Wya; Wy is the key of an LSTM", "KeyError", re.compile(r"^'Wy'$")
    ),
    "head_weights_of_rnn": Raising(
        "an LSTM's head weights have the key Wy; Wya is the key of an RNN", "KeyError", re.compile(r"^'Wya'$")
    ),
}
"""The mistakes by name."""


def by_error(type: str, text: str) -> list[str]:
    """The names of the mistakes that raise this error."""
    return [name for name, each in ERRORS.items() if each.type == type and each.text.search(text)]
