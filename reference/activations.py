"""The logistic sigmoid and the softmax, right for every finite input."""

from functools import lru_cache
from typing import Any, Optional

import numpy as np

from reference.contract import Array
from reference.validation import floating


def sigmoid(z: Any, out: Optional[Array] = None) -> Array:
    """The logistic function 1 / (1 + exp(-z)), elementwise.

    The result has the shape of `z`, and its dtype if that is floating; other real dtypes become float64. If
    `out` is given, the result is written into it, as in NumPy; `out` may be `z`.
    """
    z = floating("z", z)
    # e / (1 + e) is accurate down to the subnormals. `divide` needs the dtype, since NumPy 1 computes 1 + e
    # in float64 if e is a single number.
    e = np.exp(np.minimum(z, _saturation(z.dtype)), out=out)
    return np.asarray(np.divide(e, 1 + e, out=out, dtype=e.dtype))


@lru_cache
def _saturation(dtype: np.dtype[Any]) -> Any:
    """The number from which on the sigmoid is rounded to 1; exp of this number does not overflow."""
    return np.log(8 / np.finfo(dtype).eps).astype(dtype)


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def softmax(z: Any) -> Array:
    """exp(z) / sum(exp(z)) along axis 0, one column for each sample.

    The result has the shape of `z`, and its dtype if that is floating; other real dtypes become float64.

    The function subtracts the maximum of each column first, which does not change the quotient and prevents
    an overflow of exp (Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA J. Numer. Anal. 2021). A NaN or +inf in a column makes only this column NaN.
    """
    z = floating("z", z)
    e = np.exp(z - z.max(axis=0))
    return np.asarray(e / e.sum(axis=0))
