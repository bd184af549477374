"""The bounds of one step of a backward pass, from the gradients by the states after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from oracle.propagation import joined
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array

Step = Mapping[str, Bounded]
"""What a step of a forward pass gave: `a`; of an LSTM also `c`, `ft`, `it`, `cct`, `ot`, of relu `z`."""


def one_step(
    fl: Arithmetic, step: Step, c_prev: Bounded, d: Bounded, d_c: Bounded
) -> tuple[Bounded, Bounded]:
    """From the gradients by the states after a step those by its pre-activations and the memory before."""
    if "c" not in step:
        if "z" not in step:
            return fl.product(d, fl.tanh_slope(step["a"])), d_c
        slope = fl.relu_slope(step["z"])
        dz = fl.product(d, slope)
        # One program multiplies what is not finite by 0, and another leaves it out.
        unknown = ~np.isfinite(d.value) & ~((slope.value == 1) & (slope.error == 0))
        return Bounded(np.where(unknown, 0, dz.value), np.where(unknown, np.inf, dz.error)), d_c
    through_h, factors, dzo = lstm_factors(fl, step, c_prev, d)
    by_c = fl.total(d_c, through_h)
    spread = multiplied_out(fl, step, c_prev, d, d_c)
    *by_gates, d_c_prev = (
        spread_by(fl.product(by_c, *factor), more)
        for factor, more in zip((*factors, (step["ft"],)), spread, strict=True)
    )
    return joined(*by_gates, dzo), d_c_prev


def lstm_factors(
    fl: Arithmetic, step: Step, c_prev: Bounded, d: Bounded
) -> tuple[Bounded, Sequence[Sequence[Bounded]], Bounded]:
    """What comes to the memory state through the hidden state; the factors of the gradient by the memory
    state in those by the pre-activations of f, i and c; and the gradient by that of o.
    """
    h = fl.tanh(step["c"])
    through_h = fl.product(d, step["ot"], fl.tanh_slope(h))
    factors = (
        (c_prev, fl.sigmoid_slope(step["ft"])),
        (step["cct"], fl.sigmoid_slope(step["it"])),
        (step["it"], fl.tanh_slope(step["cct"])),
    )
    return through_h, factors, fl.product(d, h, fl.sigmoid_slope(step["ot"]))


def multiplied_out(fl: Arithmetic, step: Step, c_prev: Bounded, d: Bounded, d_c: Bounded) -> Sequence[Array]:
    """How far apart sums may be that are multiplied out or not, where what comes through h may cancel dc.

    Of the gradients by the pre-activations of f, i and c, and by the memory state before. Infinite where a
    product that is multiplied out might overflow.
    """
    h, f, i, g = (part.reach for part in (fl.tanh(step["c"]), step["ft"], step["it"], step["cct"]))
    size = d_c.reach + d.reach * step["ot"].reach * (1 + h**2)
    before = c_prev.reach
    factors = (before * f * (1 + f), g * i * (1 + i), i * (1 + g**2), f)
    known = [size * np.fmax(1, largest) <= fl.largest for largest in (before, g, i, f)]
    none = d.is_zero & d_c.is_zero
    return [
        np.where(none, 0, np.where(within, fl.gamma(6) * size * factor, np.inf))
        for within, factor in zip(known, factors, strict=True)
    ]


def spread_by(x: Bounded, more: Array) -> Bounded:
    """The same with a larger error, where it is a number."""
    return Bounded(x.value, np.where(np.isfinite(x.value), x.error + more, x.error))
