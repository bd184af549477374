"""Another function in the place of an activation: what is shown for each of its arguments."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from oracle.location.how.activation.exponentials import of_another_exp
from oracle.location.how.activation.pairs import Function, Pairs, sign
from oracle.location.how.activation.quotients import quotient
from oracle.location.how.activation.scaled import scaled
from oracle.location.how.activation.tables import table
from oracle.location.how.cases import Case, Likeness
from oracle.location.where.equation import Equation
from reference.contract import Array

ARGUMENTS: Mapping[str, str] = {"tanh": "z", "sigmoid": "z", "ot * tanh": "c_next"}
"""What an activation is taken of."""


def itself(pairs: Pairs) -> tuple[str, Function] | None:
    """The argument as it is."""
    return (pairs.name, np.asarray) if pairs.are_given_by(np.asarray, 1e-12) else None


KINDS: Sequence[Callable[[Pairs], tuple[str, Function] | None]] = (
    itself,
    sign,
    scaled,
    of_another_exp,
    quotient,
    table,
)
"""What such a function may be, the likeliest first."""


def activated(cases: Sequence[Case]) -> Likeness | None:
    """The function that gives all that is shown, in words; `None` where none is found."""
    activation = cases[0].equation.activation
    name = ARGUMENTS.get(activation)
    if not name or any(name not in case.equation.terms for case in cases):
        return None
    times = "ot" if activation == "ot * tanh" else ""
    z, factor = (_together(cases, partial(_term, which)) for which in (name, times))
    shown, allowed = (
        np.concatenate([getattr(case, part) for case in cases]) / np.abs(factor)
        for part in ("shown", "allowed")
    )
    pairs = Pairs(name, "sigmoid" if activation == "sigmoid" else "tanh", z, shown, allowed)
    if not pairs.are_enough or pairs.are_given_by(pairs.function, 1e-12):
        return None
    for kind in (*KINDS, _limited):
        if found := kind(pairs):
            words, function = found
            said = f"as if {pairs.activation}({name}) were {words}"
            return Likeness(said, partial(_value, name, times, function))
    return None


def _limited(pairs: Pairs) -> tuple[str, Function] | None:
    """A function that is limited from below or above, or both."""
    (low, high), inner = pairs.limits, pairs.within_limits
    if len(inner.z) == len(pairs.z) or not inner.are_enough:
        return None
    for kind in (scaled, quotient):
        if found := kind(inner):
            words, function = found
            limited = partial(_clipped, function, low, high)
            if pairs.are_given_by(limited, 1e-12):
                both = f"limited to [{low:.6g}, {high:.6g}]"
                one = f"at least {low:.6g}" if high == np.inf else f"at most {high:.6g}"
                return f"{words}, {both if np.isfinite([low, high]).all() else one}", limited
    return None


def _clipped(function: Function, low: float, high: float, z: Array) -> Array:
    return np.clip(function(z), low, high)


def _together(cases: Sequence[Case], term: Callable[[Equation], Array]) -> Array:
    return np.concatenate([case.of(term) for case in cases])


def _term(name: str, equation: Equation) -> Array:
    return equation.terms[name] if name else np.ones(())


def _value(name: str, times: str, function: Function, equation: Equation) -> Array:
    return np.asarray(function(equation.terms[name]) * _term(times, equation))
