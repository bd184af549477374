"""Places where something may begin or end that hang on how many there are."""

import re
from collections.abc import Iterator, Mapping

import numpy as np

from reference.contract import Array

BLOCKS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)
"""Of how many places blocks are made, or loops unrolled."""

LAST, DOUBLED = " less what is left by ", "the largest power of 2 below "
PARTS = (3, 4, 5, 8, 10)
FIRST_PART, LAST_PART = " // ", " less a part of "
"""Of how many equal parts the first ends, or the last begins."""


def borders(size: str) -> Iterator[str]:
    """What they are called: where the last whole block or a part ends, where a buffer was doubled."""
    yield from (f"{size}{LAST}{k}" for k in BLOCKS)
    yield f"{DOUBLED}{size}"
    yield from (f"{size}{which}{k}" for k in PARTS for which in (FIRST_PART, LAST_PART))


def size_of(border: str) -> str:
    """The size that a border hangs on; any other name is its own."""
    return re.split("|".join((LAST, FIRST_PART, LAST_PART)), border.removeprefix(DOUBLED))[0]


def value(border: str, features: Mapping[str, Array]) -> Array:
    """A feature, or the border in each problem."""
    if border in features:
        return features[border]
    count = features[size_of(border)]
    if LAST in border:
        return np.asarray(count - count % int(border.split(LAST)[1]))
    if FIRST_PART in border:
        return np.asarray(count // int(border.split(FIRST_PART)[1]))
    if LAST_PART in border:
        return np.asarray(count - count // int(border.split(LAST_PART)[1]))
    return np.asarray(np.where(count > 1, 2.0 ** np.ceil(np.log2(np.maximum(count, 1)) - 1), 0.0))


def words(what: str, relation: str, border: str) -> str:
    """Places before a border, or from it on."""
    if LAST in border:
        last = f"the last {size_of(border)} mod {border.split(LAST)[1]} {what}"
        return f"only {last}" if relation == "≥" else f"all but {last}"
    if FIRST_PART in border:
        return f"all but the first {border} {what}" if relation == "≥" else f"only the first {border} {what}"
    if LAST_PART in border:
        last = f"the last {border.replace(LAST_PART, FIRST_PART)} {what}"
        return f"only {last}" if relation == "≥" else f"all but {last}"
    return f"{what} from {border} on" if relation == "≥" else f"{what} before {border}"


def extents(border: str) -> list[int]:
    """Sizes with places on both sides."""
    if LAST in border:
        k = int(border.split(LAST)[1])
        return [k - 1, k, k + 1, 2 * k - 1, 2 * k + k // 2]
    if FIRST_PART in border or LAST_PART in border:
        k = int(border.split(FIRST_PART if FIRST_PART in border else LAST_PART)[1])
        return sorted({3, 6, 9, 12, 17, 25, k, 2 * k - 1, 2 * k})
    return [2, 3, 7, 13, 18, 40, 70, 200]
