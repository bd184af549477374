"""Softmaxes whose logits are shifted by something else than their largest, or by nothing."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from oracle.location.how.candidate import Candidate
from oracle.location.how.cases import Case
from oracle.location.where.equation import Equation
from oracle.problem import DType
from reference.contract import Array

_SHIFTS: Mapping[str, Callable[[Array], Array]] = {
    "0": np.zeros_like,
    "the mean of the sample": lambda s: s.mean(axis=0, keepdims=True),
    "the mean of all samples": lambda s: s.mean(axis=(0, 1), keepdims=True),
    "the largest of all samples": lambda s: s.max(axis=(0, 1), keepdims=True, initial=-np.inf),
    "the largest of all samples and steps": lambda s: s.max(keepdims=True, initial=-np.inf),
    "the largest of the first sample": lambda s: s[:, :1].max(axis=0, keepdims=True),
    "the largest of the last sample": lambda s: s[:, -1:].max(axis=0, keepdims=True),
    "the largest or 0": lambda s: s.max(axis=0, keepdims=True, initial=0),
    "the largest |logit| of the sample": lambda s: np.abs(s).max(axis=0, keepdims=True),
    "the largest |logit| of all samples": lambda s: np.abs(s).max(axis=(0, 1), keepdims=True),
    "the smallest of the sample": lambda s: s.min(axis=0, keepdims=True),
    "the first of the sample": lambda s: s[:1],
    "the last of the sample": lambda s: s[-1:],
}
"""Logits `(n_y, m, T_x)` to shifts that broadcast to them."""


def _shifted(shift: Callable[[Array], Array], equation: Equation) -> Array:
    """The right value, but where exponentials overflow, or so small are that few digits are left of them.

    The last of these is a matter of rounding: where what is shown may come of it, it is that.
    """
    assert equation.affine
    s, dtype, shown = equation.affine.value, equation.answer.inputs.dtype, equation.shown
    z = (s - shift(s)).astype(dtype)
    e, least = np.exp(z).astype(np.float64), float(np.finfo(dtype).smallest_subnormal)
    off = np.where(z > np.log(least) - 1, least, 0)
    total, total_off = (array.sum(axis=0, keepdims=True) for array in (e, off))
    low, high = (e - off) / (total + total_off), (e + off) / (total - total_off)
    is_near = (low <= shown) & ((shown <= high) | (high < 0))
    return np.asarray(np.where(is_near, shown, e / total))


def _quotient(shift: str) -> str:
    return f"exp(logit{'' if shift == '0' else f' - {shift}'}) / the sum of these"


SHIFTED: Mapping[str, Candidate] = {
    _quotient(words): partial(_shifted, shift) for words, shift in _SHIFTS.items()
}
"""They are right, but for what rounding makes of them."""


def beyond(quotient: str, cases: Sequence[Case], narrower: Sequence[DType]) -> str:
    """How far from the shift the largest logit is where one of them is wrong, by the range of `exp`.

    And how far in narrower precisions; empty where it is as far from it as it should be.
    """
    words, shift = next(each for each in _SHIFTS.items() if _quotient(each[0]) == quotient)
    apart = np.concatenate([_largest_above(shift, case) for case in cases])
    ends = {"above": "max"} if (apart > 0).any() else {}
    ends |= {"below": "tiny"} if (apart < 0).any() else {}

    def ranges(dtype: str) -> dict[str, str]:
        return {side: str(int(abs(np.log(getattr(np.finfo(dtype), end))))) for side, end in ends.items()}

    if not ends:
        return ""
    far = " or ".join(f"{number} {side}" for side, number in ranges(cases[0].dtype).items())
    less = "".join(f" (in {dtype} {' or '.join(ranges(dtype).values())})" for dtype in narrower)
    return f"the largest logit of the sample is more than some {far} {words}{less}"


def _largest_above(shift: Callable[[Array], Array], case: Case) -> Array:
    assert case.equation.affine
    s = case.equation.affine.value
    apart = s.max(axis=0, keepdims=True) - shift(s)
    return np.asarray(np.broadcast_to(apart, s.shape)[case.chosen])
