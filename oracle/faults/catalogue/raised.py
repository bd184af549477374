"""Mistakes that do nothing but raise. They have no numbers to be known by, and are known by their errors."""

import re
from collections.abc import Mapping

from reference.contract import CONTRACTS

_ENTRIES = "|".join(str(len(contract.cache) + 1) for contract in CONTRACTS.values() if contract.is_cell)
"""How many a cell's cache has, its parameters included."""

ERRORS: Mapping[str, re.Pattern[str]] = {
    "the cache of a step is made into an array, as by np.append(caches, cache) for caches.append(cache)": (
        re.compile(rf"ValueError: .*inhomogeneous shape after 1 dimensions.* was \((?:{_ENTRIES}),\)")
    ),
}
"""What an error looks like, by the sentence for the mistake."""


def by_error(raised: str) -> list[str]:
    """The mistakes that an error is known to be of: `"ValueError: setting an array element with …"`."""
    return [sentence for sentence, pattern in ERRORS.items() if pattern.match(raised)]
