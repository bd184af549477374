"""What an array may have become by fewer digits: another dtype, decimals, multiples of a number."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np

from reference.contract import Array

Change = Callable[[Array], Array]
"""What makes one array of another of its shape."""


def _cast(dtype: str, array: Array) -> Array:
    return np.asarray(array.astype(dtype).astype(np.float64))


def _in_digits(digits: int, to_whole: Change, array: Array) -> Array:
    """Numbers of so many digits of two: the nearest, or those that are next to 0."""
    part, exponent = np.frexp(array)
    return np.asarray(np.ldexp(to_whole(part * 2.0**digits) / 2.0**digits, exponent))


def _rounded(digits: int, array: Array) -> Array:
    return np.asarray(np.round(array, digits))


def _fixed(parts: float, array: Array) -> Array:
    return np.asarray(np.round(array * parts) / parts)


def _cut(parts: float, array: Array) -> Array:
    return np.asarray(np.trunc(array * parts) / parts)


def _floor(parts: float, array: Array) -> Array:
    return np.asarray(np.floor(array * parts) / parts)


IN_ANOTHER_DTYPE: Mapping[str, Change] = {
    "in float32": partial(_cast, "float32"),
    "in float16": partial(_cast, "float16"),
    "in bfloat16": partial(_in_digits, 8, np.round),
    "cut to bfloat16": partial(_in_digits, 8, np.trunc),
    "in TF32": partial(_in_digits, 11, np.round),
    "cut to TF32": partial(_in_digits, 11, np.trunc),
}
"""Changes to the digits of another dtype."""


def _less_precise() -> Iterator[tuple[str, Change]]:
    yield from IN_ANOTHER_DTYPE.items()
    for digits in range(1, 11):
        yield f"rounded to {digits} decimal{'s' * (digits > 1)}", partial(_rounded, digits)
    yield "rounded to whole numbers", np.round
    yield "cut to whole numbers", np.trunc
    for bits in range(3, 25):
        yield f"rounded to multiples of 2^-{bits}", partial(_fixed, 2.0**bits)
    for bits in range(2, 17):
        yield f"cut to multiples of 2^-{bits}", partial(_cut, 2.0**bits)
        yield f"rounded down to multiples of 2^-{bits}", partial(_floor, 2.0**bits)
    for most in (7, 15, 31, 63, 100, 127, 200, 255, 500, 1000, 32767, 65535):
        yield f"rounded to multiples of 1 / {most}", partial(_fixed, float(most))
    for most in (7, 8, 127, 128, 255, 32767):
        yield (
            f"rounded to multiples of the largest size of the whole array / {most}",
            partial(_of_largest, most),
        )


def _of_largest(parts: int, array: Array) -> Array:
    """Rounded to multiples of a part of the largest size, as where numbers are stored in a few bits."""
    unit = np.abs(array).max(initial=0) / parts
    return np.asarray(np.round(array / unit) * unit) if unit else array


LESS_PRECISE = tuple(_less_precise())
"""Changes to fewer digits."""
