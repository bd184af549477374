"""Equations as seen through their activation: what its argument must have been."""

from dataclasses import replace

import numpy as np

from oracle.location.where.equation import Equation
from oracle.rounding import Bounded
from reference.contract import Array


def argument(equation: Equation) -> Equation | None:
    """The equation of the argument; NaN where that cannot be told from the value. `None` if there is none.

    Of logits only the differences can be told: theirs is the argument less its mean over the classes.
    """
    terms = equation.terms
    value, right = equation.shown.astype(np.float64), equation.right
    with np.errstate(all="ignore"):
        match equation.activation:
            case "tanh" if equation.affine:
                z, shown, slope = equation.affine.value, np.arctanh(value), 1 - value**2
            case "sigmoid" if equation.affine:
                z, shown = equation.affine.value, np.log(value) - np.log1p(-value)
                slope = value * (1 - value)
            case "softmax" if equation.affine:
                z, shown, slope = equation.affine.value, np.log(value), value
                z, shown = (_centred(part) for part in (z, shown))
                terms = {name: _centred(term) for name, term in terms.items()}
                slope = np.broadcast_to(value.min(axis=0, keepdims=True), value.shape)
            case "max" if equation.affine:
                z, slope = equation.affine.value, np.ones_like(value)
                shown = np.where(value > 0, value, np.nan)
                # A right value of 0 is exact, whatever its argument is.
                right = replace(right, error=np.full(value.shape, right.error.max(initial=0)))
            case "ot * tanh":
                z, ot = equation.terms["c_next"], equation.terms["ot"]
                shown = np.arctanh(value / ot)
                slope = (1 - (value / ot) ** 2) * ot
            case _:
                return None
        error = (2 * right.error + 1e-16) / slope
        told = np.isfinite(shown) & (error < TOLD.get(equation.answer.inputs.dtype.name, 0))
    shown = np.where(told, shown, np.nan)
    return replace(
        equation, shown=shown, terms=terms, right=Bounded(z, np.where(told, error, np.inf)), affine=None
    )


def is_in_range(equation: Equation) -> Array:
    """Whether what is shown is a value of the activation: of a softmax, that its classes sum to 1."""
    value, error = equation.shown.astype(np.float64), 4 * equation.right.error + ROUNDING
    match equation.activation:
        case "softmax":
            total, of_all = (part.sum(axis=0, keepdims=True) for part in (value, error))
            return np.broadcast_to(np.abs(total - 1) <= of_all, value.shape)
        case "tanh":
            return np.asarray(np.abs(value) <= 1 + error)
        case "sigmoid":
            return np.asarray(np.abs(value - 0.5) <= 0.5 + error)
        case "max":
            return np.asarray(value >= 0)
        case "ot * tanh":
            return np.asarray(np.abs(value) <= equation.terms["ot"] + error)
        case _:
            return np.ones(value.shape, bool)


TOLD = {"float64": 1e-6, "float32": 2e-5}
"""How well an argument has to be told, by precision."""

ROUNDING = 1e-14


def _centred(part: Array) -> Array:
    return np.asarray(part - part.mean(axis=0, keepdims=True)) if len(part) > 1 else part
