"""A polynomial of the argument, or a quotient of two, in the place of an activation."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from oracle.location.how.activation.pairs import Function, Pairs
from oracle.location.how.fitting import least_squares
from reference.contract import Array

ABOVE_AND_BELOW = (
    ((0, 1), ()),
    ((1, 3), ()),
    ((0, 1, 2), ()),
    ((0, 1, 2, 3), ()),
    ((1, 3, 5), ()),
    ((0, 1, 3, 5), ()),
    ((1, 3, 5, 7), ()),
    ((0, 1, 3, 5, 7), ()),
    ((1,), (2,)),
    ((1, 3), (2,)),
    ((0, 1), (1,)),
    ((0, 1, 2), (1, 2)),
    ((0, 1, 2, 3), (1, 2)),
    ((1, 3, 5), (2, 4)),
    ((1, 3, 5), (2, 4, 6)),
    ((1, 3, 5, 7), (2, 4, 6)),
)
"""Powers of the argument in a polynomial, or in a quotient of two: the simplest first."""


FEW, COARSE = 4, 1e-10
"""How many numbers are believed of what is known so coarsely, as in float32: more fit anything smooth."""


def quotient(pairs: Pairs) -> tuple[str, Function] | None:
    """The first that gives all that is shown."""
    z, shown, allowed = pairs.z, pairs.shown, pairs.allowed
    most = FEW if np.median(allowed) > COARSE else np.inf
    for above, below in ABOVE_AND_BELOW:
        if len(above) + len(below) > most:
            continue
        matrix = np.stack([*(z**k for k in above), *(-shown * z**k for k in below)], axis=1)
        weight = 1 / (allowed * (1 + sum(np.abs(z) ** k for k in below)))
        scale = np.abs(matrix * weight[:, None]).max(axis=0)
        found, rank = least_squares(matrix * weight[:, None] / scale, shown * weight, 1e-14)
        numbers = found / scale
        function = partial(_quotient, numbers, above, below)
        rounding = 1e-12 * (np.abs(matrix) @ np.abs(numbers))
        if rank == len(numbers) and (np.abs(function(z) - shown) <= allowed + rounding).all():
            top = _polynomial(numbers[: len(above)], above, pairs.name)
            under = _polynomial((1.0, *numbers[len(above) :]), (0, *below), pairs.name)
            return f"({top}) / ({under})" if below else top, function
    return None


def _quotient(numbers: Array, above: Sequence[int], below: Sequence[int], z: Array) -> Array:
    top, under = numbers[: len(above)], numbers[len(above) :]
    value = sum(number * z**k for number, k in zip(top, above, strict=True))
    return np.asarray(value / (1 + sum(number * z**k for number, k in zip(under, below, strict=True))))


def _polynomial(numbers: Sequence[float] | Array, powers: Sequence[int], name: str) -> str:
    said = ""
    for number, k in zip(numbers, powers, strict=True):
        if abs(number) < 1e-9:
            continue
        power = "" if k == 0 else name if k == 1 else f"{name}^{k}"
        size = f"{abs(number):.4g}"
        term = size if not power else power if size == "1" else f"{size} {power}"
        sign = "-" if number < 0 else "+" if said else ""
        said = f"{said} {sign} {term}".strip() if said else f"{sign}{term}"
    return said or "0"
