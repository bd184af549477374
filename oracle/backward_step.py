"""The bounds of a single step of a backward pass.

`d` is the gradient with respect to the hidden state after the step, `d_c` the gradient with respect to the
memory state after the step, and `dz` the gradient with respect to the pre-activations of the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from oracle.propagation import joined_rows
from oracle.rounding import Arithmetic, Bounded, Factors
from reference.contract import Array

Step = Mapping[str, Bounded]
"""The quantities of a forward step: `a`; for an LSTM also `c`, `ft`, `it`, `cct`, `ot`; for relu also `z`."""


class RNNSteps:
    """All steps of an RNN, with the slopes of the activations."""

    def __init__(self, fl: Arithmetic, steps: Sequence[Step]) -> None:
        self._fl = fl
        self._is_relu = "z" in steps[0]
        activated = Bounded.stacked([step["z" if self._is_relu else "a"] for step in steps])
        self._slope = fl.relu_slope(activated) if self._is_relu else fl.tanh_slope(activated)

    def back(self, t: int, d: Bounded, d_c: Bounded) -> tuple[Bounded, Bounded]:
        """`dz` of step t, and `d_c` unchanged, since an RNN has no memory state."""
        slope = self._slope[t]
        dz = self._fl.product(d, slope)
        if not self._is_relu:
            return dz, d_c
        # Some programs multiply infinity by the slope 0, which gives NaN; others omit such products.
        unknown = ~np.isfinite(d.value) & ~((slope.value == 1) & (slope.error == 0))
        return Bounded(np.where(unknown, 0, dz.value), np.where(unknown, np.inf, dz.error)), d_c


class LSTMSteps:
    """All steps of an LSTM, with the factors by which the gradients are multiplied.

    The product of the two `gate_factors (T, 3, k, n, m)` is the factor from the gradient with respect to c to
    `dz` of f, i and c.
    """

    def __init__(self, fl: Arithmetic, steps: Sequence[Step], c_prev: Sequence[Bounded]) -> None:
        self._fl = fl
        c, f, i, g, o = (Bounded.stacked([s[name] for s in steps]) for name in ("c", "ft", "it", "cct", "ot"))
        before, h = Bounded.stacked(c_prev), fl.tanh(c)
        f_slope, i_slope, o_slope = (fl.sigmoid_slope(gate) for gate in (f, i, o))
        self._hidden_factors = Factors.of(
            Bounded.stacked((o, h), 1), Bounded.stacked((fl.tanh_slope(h), o_slope), 1)
        )
        slopes = Bounded.stacked((f_slope, i_slope, fl.tanh_slope(g)), 1)
        self.gate_factors = Bounded.stacked((before, g, i), 1), slopes
        self._gate_factors, self._memory_factors = Factors.of(*self.gate_factors), Factors.of(f)
        self._largest_factors = np.fmax(1, np.stack([x.reach for x in (before, g, i, f)], 1))
        self._largest_through_h = o.reach * (1 + h.reach**2)

    def from_hidden(self, t: int, d: Bounded) -> tuple[Bounded, Bounded]:
        """The part of the gradient with respect to c that passes through tanh(c), and `dz` of o."""
        both = self._fl.product(d, self._hidden_factors.entries(t))
        return both[0], both[1]

    def to_memory_before(self, t: int, dc: Bounded) -> Bounded:
        """The gradient with respect to the memory state before step t, from the whole gradient `dc`."""
        return self._fl.product(dc, self._memory_factors.entries(t))

    def back(self, t: int, d: Bounded, d_c: Bounded) -> tuple[Bounded, Bounded]:
        """`dz` of step t, and the gradient with respect to the memory state before the step."""
        through_h, dzo = self.from_hidden(t, d)
        dc = self._fl.total(d_c, through_h)
        overflows = self.overflows(t, d, d_c)
        dz_fic = unknown_where(overflows[:3], self._fl.product(dc, self._gate_factors.entries(t)))
        dz = joined_rows(*(dz_fic[gate] for gate in range(3)), dzo)
        return dz, unknown_where(overflows[3], self.to_memory_before(t, dc))

    def overflows(self, t: int, d: Bounded, d_c: Bounded) -> Array:
        """Where a program may overflow if it multiplies out the sum that is the gradient with respect to c.

        The result `(4, k, n, m)` is for `dz` of f, i and c, and for the memory state before the step.
        """
        size = d_c.reach + d.reach * self._largest_through_h[t]
        overflows: Array = ~(size * self._largest_factors[t] <= self._fl.largest)
        return overflows & ~(d.is_zero & d_c.is_zero)


def steps_of(fl: Arithmetic, steps: Sequence[Step], c_prev: Sequence[Bounded]) -> RNNSteps | LSTMSteps:
    """The steps (at least one) of a forward pass; `c_prev` has the memory state before each step."""
    return LSTMSteps(fl, steps, c_prev) if "c" in steps[0] else RNNSteps(fl, steps)


def unknown_where(unknown: Array, x: Bounded) -> Bounded:
    """The quantity with an infinite error where `unknown`; NaN and infinity keep the error 0."""
    return Bounded(x.value, np.where(unknown & np.isfinite(x.value), np.inf, x.error))
