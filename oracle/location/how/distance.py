"""How far off wrong values are, where nothing tells what they are."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from oracle.location.how.activation.activated import ARGUMENTS
from oracle.location.how.arguments import argument
from oracle.location.how.cases import Case
from oracle.location.where.digits import IN_ANOTHER_DTYPE
from oracle.location.where.equation import Equation
from reference.contract import Array


def far(cases: Sequence[Case]) -> str:
    """How far it is off, at most, where that is little."""
    if not cases:
        return ""
    shown, correct = (np.concatenate([getattr(case, name) for case in cases]) for name in ("shown", "right"))
    with np.errstate(all="ignore"):
        off = np.abs(shown - correct)
        relative, absolute = float((off / np.abs(correct)).max()), float(off.max())
        of_size = off / np.abs(correct)
        rounding = _of_rounding(cases)
    kind = _kind_of(shown, correct.astype(cases[0].dtype).astype(np.float64), cases[0].dtype)
    if relative <= 0.1:
        return f"{kind}seen off by up to {relative:.1g} of its size{_where_most(cases, of_size)}{rounding}"
    return (
        f"{kind}seen off by up to {absolute:.1g}{_where_most(cases, off)}{rounding}"
        if absolute <= 0.1
        else ""
    )


def _kind_of(shown: Array, right: Array, dtype: str) -> str:
    """That all values are multiples of a power of two, or numbers of a dtype of fewer digits, if they are.

    Where the right ones, in their dtype, are not.
    """
    bits = next((k for k in range(MOST_BITS) if _are_multiples(shown, k)), None)
    if bits is not None and not _are_multiples(right, bits) and len(np.unique(shown)) >= ENOUGH:
        return f"a multiple of 2^-{bits}, "
    few = next((words for words in FEW_DIGITS if (IN_ANOTHER_DTYPE[words](shown) == shown).all()), "")
    if not few or len(np.unique(shown)) < ENOUGH or few == f"in {dtype}":
        return ""
    return f"a number {few.replace('in', 'of')}, "


FEW_DIGITS = ("in bfloat16", "in float16", "in TF32", "in float32")
MOST_BITS = 20
"""How many of a number are behind the point on the finest grid that is looked for."""
ENOUGH = 20
"""Different values, that this is no accident."""


def _are_multiples(array: Array, bits: int) -> bool:
    return bool((np.round(array * 2.0**bits) == array * 2.0**bits).all())


def _of_rounding(cases: Sequence[Case]) -> str:
    """That an argument is as right as in float32; errors as large as those of less may be of many kinds."""
    largest = 0.0
    for case in cases:
        of_z, affine = argument(case.equation), case.equation.affine
        if not (of_z and affine) or case.equation.activation == "softmax":
            return ""
        size = np.tensordot(np.abs(affine.W), np.abs(affine.v), axes=1) + np.abs(affine.b)[:, :, None]
        told = case.chosen & np.isfinite(of_z.shown)
        off = np.abs(of_z.shown - of_z.right.value)[told] / size[told]
        largest = max(largest, float(off.max(initial=0)))
    is_near = LEAST_OF_UNIT <= largest / UNIT_ROUNDOFF <= MOST_OF_UNIT
    return ", the size of a rounding of z in float32" if is_near else ""


UNIT_ROUNDOFF = 2.0**-24
"""That of float32."""

LEAST_OF_UNIT, MOST_OF_UNIT = 0.1, 4.0
"""The largest error of the size of the terms, in unit roundoffs, by which that is told."""


def _where_most(cases: Sequence[Case], off: Array) -> str:
    """For which argument of its activation something is farthest off."""
    first = cases[0].equation
    name = ARGUMENTS.get(first.activation)
    if not name or any(name not in case.equation.terms for case in cases):
        return ""
    argument = np.concatenate([case.of(partial(_argument, name)) for case in cases])
    return f", most where {name} is {argument[int(np.nanargmax(off))]:.3g}"


def _argument(name: str, equation: Equation) -> Array:
    return equation.terms[name]
