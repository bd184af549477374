"""Places where something may begin or end that hang on how many there are."""

from collections.abc import Iterator, Mapping

import numpy as np

from reference.contract import Array

BLOCKS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)
"""Of how many places blocks are made, or loops unrolled."""

LAST, DOUBLED = " less what is left by ", "the largest power of 2 below "


def borders(size: str) -> Iterator[str]:
    """What they are called: the end of the last whole block, and where a buffer was doubled last."""
    yield from (f"{size}{LAST}{k}" for k in BLOCKS)
    yield f"{DOUBLED}{size}"


def size_of(border: str) -> str:
    """The size that a border hangs on; any other name is its own."""
    return border.removeprefix(DOUBLED).split(LAST)[0]


def value(border: str, features: Mapping[str, Array]) -> Array:
    """A feature, or the border in each problem."""
    if border in features:
        return features[border]
    count = features[size_of(border)]
    if LAST in border:
        return np.asarray(count - count % int(border.split(LAST)[1]))
    return np.asarray(np.where(count > 1, 2.0 ** np.ceil(np.log2(np.maximum(count, 1)) - 1), 0.0))


def words(what: str, relation: str, border: str) -> str:
    """Places before a border, or from it on."""
    if LAST in border:
        last = f"the last {size_of(border)} mod {border.split(LAST)[1]} {what}"
        return f"only {last}" if relation == "≥" else f"all but {last}"
    return f"{what} from {border} on" if relation == "≥" else f"{what} before {border}"


def extents(border: str) -> list[int]:
    """Sizes with places on both sides."""
    if LAST in border:
        k = int(border.split(LAST)[1])
        return [k - 1, k, k + 1, 2 * k - 1, 2 * k + k // 2]
    return [2, 3, 7, 13, 18, 40, 70]
