"""The logistic sigmoid and the softmax, right for every finite input."""

from functools import lru_cache
from typing import Any, Optional

import numpy as np

from reference.contract import Array
from reference.validation import floating


def sigmoid(z: Any, out: Optional[Array] = None) -> Array:
    """The logistic function 1 / (1 + exp(-z)), elementwise.

    Same shape as `z`; floating dtypes are kept, other real ones become float64. The result is written into
    `out` if one is given, as NumPy's own functions do; that may be `z`.
    """
    z = floating("z", z)
    # As e / (1 + e) it keeps its relative accuracy down to the subnormals. Of one number alone
    # NumPy 1 makes 1 + e in float64, hence the dtype.
    e = np.exp(np.minimum(z, _saturation(z.dtype)), out=out)
    return np.asarray(np.divide(e, 1 + e, out=out, dtype=e.dtype))


@lru_cache
def _saturation(dtype: np.dtype[Any]) -> Any:
    """Where the sigmoid has long been 1, 1 + e being rounded to e, and exp does not yet overflow."""
    return np.log(8 / np.finfo(dtype).eps).astype(dtype)


@np.errstate(over="ignore", invalid="ignore", under="ignore")
def softmax(z: Any) -> Array:
    """exp(z) / sum(exp(z)) down axis 0, one column a sample.

    Same shape as `z`; floating dtypes are kept, other real ones become float64.

    Each column is shifted by its own maximum, which leaves the quotient as it is and keeps exp from
    overflowing (Blanchard, Higham and Higham, "Accurately computing the log-sum-exp and softmax
    functions", IMA J. Numer. Anal. 2021). A NaN or +inf in a column makes that column NaN and no other.
    """
    z = floating("z", z)
    e = np.exp(z - z.max(axis=0))
    return np.asarray(e / e.sum(axis=0))
