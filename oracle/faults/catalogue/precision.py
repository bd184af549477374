"""Precision: fewer digits than the inputs have, in the whole computation or in one quantity.

The attributes of `v` are the known quantities (see `oracle.faults.equations`).
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from oracle.faults.catalogue.entry import ALL, EVERY, FORWARDS, LSTM_FORWARD, RIGHT, Entries, each
from reference.activations import softmax
from reference.contract import Array

FAULTS = Entries("precision")


def _narrowed(z: Array, dtype: str) -> Array:
    return z.astype(min(np.dtype(dtype), z.dtype, key=lambda each: each.itemsize))


def _float32(z: Array) -> Array:
    """Rounded to float32, in the dtype of z."""
    return z.astype(np.float32).astype(z.dtype)


def _float16(z: Array) -> Array:
    """Rounded to float16, in the dtype of z."""
    with np.errstate(over="ignore"):
        return z.astype(np.float16).astype(z.dtype)


def _bfloat16(z: Array) -> Array:
    """Rounded to eight significant bits."""
    mantissa, exponent = np.frexp(z)
    return np.ldexp(np.round(256 * mantissa) / 256, exponent)


ROUNDED: Mapping[str, Callable[[Array], Array]] = {
    "float32": _float32,
    "float16": _float16,
    "bfloat16": _bfloat16,
}
"""The functions that round an array, by the name of the precision."""

for dtype in ("float32", "float16"):
    narrow = partial(_narrowed, dtype=dtype)
    FAULTS.of(EVERY)(
        f"computed_in_{dtype}",
        f"everything is computed in {dtype}",
        given=narrow,
        parameters=each(narrow),
    )
cast = partial(_narrowed, dtype="float32")
so_results = "cast to float32, so the results are float32"
FAULTS.of(FORWARDS)("inputs_cast_to_float32", f"the inputs are {so_results}", given=cast)
FAULTS.of(FORWARDS)("x_cast_to_float32", f"x is {so_results}", x=lambda v: cast(v.x))
FAULTS.of(ALL)("inputs_in_float32", "the inputs are rounded to float32", given=_float32)
FAULTS.of(FORWARDS)("x_in_float32", "x is rounded to float32", x=lambda v: _float32(v.x))
for dtype in ("float32", "int64"):
    stored = {
        over: lambda v, over=over, dtype=dtype: RIGHT[over](v).astype(dtype) for over in ("a", "c", "y")
    }
    FAULTS.of(FORWARDS)(f"stored_in_{dtype}", f"the results are stored in arrays of {dtype}", **stored)
for name, rounded in ROUNDED.items():
    sentence = f"the parameters are rounded to {name}"
    FAULTS.of(EVERY)(f"parameters_in_{name}", sentence, parameters=each(rounded))
FAULTS.of(ALL)("y_in_float32", "predictions are rounded to float32", softmax=lambda z: _float32(softmax(z)))
FAULTS.of(FORWARDS)("a_in_float32", "a_prev is rounded to float32", a_prev=lambda v: _float32(v.a_next))
FAULTS.of(LSTM_FORWARD)("c_in_float32", "c_prev is rounded to float32", c_prev=lambda v: _float32(v.c_next))
affine_is = FAULTS.series(EVERY, "affine")
affine_is("z_in_float32", "pre-activations are rounded to float32", lambda W, u, b: _float32(W @ u + b))
affine_is("bfloat16", "products are taken in bfloat16", lambda W, u, b: _bfloat16(W) @ _bfloat16(u) + b)
