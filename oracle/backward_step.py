"""The bounds of single steps of a backward pass, from the gradients with respect to the states after a step.

`d` is the gradient with respect to the hidden state after a step, `d_c` the gradient with respect to the
memory state after the step, and `dz` the gradient with respect to the pre-activations of the step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from oracle.propagation import joined
from oracle.rounding import Arithmetic, Bounded, Factors
from reference.contract import Array

Step = Mapping[str, Bounded]
"""The results of a forward step: `a`; for an LSTM also `c`, `ft`, `it`, `cct`, `ot`; for relu also `z`."""


class RNNSteps:
    """All steps of an RNN, with the slopes of the activations, which do not depend on gradients."""

    def __init__(self, fl: Arithmetic, steps: Sequence[Step]) -> None:
        self._fl = fl
        self._is_relu = "z" in steps[0]
        of_all = Bounded.stacked([step["z" if self._is_relu else "a"] for step in steps])
        self.slope = fl.relu_slope(of_all) if self._is_relu else fl.tanh_slope(of_all)

    def back(self, t: int, d: Bounded, d_c: Bounded) -> tuple[Bounded, Bounded]:
        """`dz` of step t, and `d_c` as it is, since an RNN has no memory state."""
        slope = self.slope[t]
        dz = self._fl.product(d, slope)
        if not self._is_relu:
            return dz, d_c
        # Some programs multiply infinity by 0, others leave such products out.
        unknown = ~np.isfinite(d.value) & ~((slope.value == 1) & (slope.error == 0))
        return Bounded(np.where(unknown, 0, dz.value), np.where(unknown, np.inf, dz.error)), d_c


class LSTMSteps:
    """All steps of an LSTM, with the factors of the gradients, which do not depend on gradients.

    `in_dc (T, 3, k, n, m)` are the factors of `d_c` in `dz` of f, i and c.
    """

    def __init__(self, fl: Arithmetic, steps: Sequence[Step], c_prev: Sequence[Bounded]) -> None:
        self._fl = fl
        c, f, i, g, o = (Bounded.stacked([s[name] for s in steps]) for name in ("c", "ft", "it", "cct", "ot"))
        before, h = Bounded.stacked(c_prev), fl.tanh(c)
        self._in_d_c = Factors.of(f)
        of_f, of_i, of_o = (fl.sigmoid_slope(gate) for gate in (f, i, o))
        self._in_d = Factors.of(Bounded.stacked((o, h), 1), Bounded.stacked((fl.tanh_slope(h), of_o), 1))
        self.in_dc = Bounded.stacked((before, g, i), 1), Bounded.stacked((of_f, of_i, fl.tanh_slope(g)), 1)
        self._in_dc = Factors.of(*self.in_dc)
        self._largest = np.fmax(1, np.stack([x.reach for x in (before, g, i, f)], 1))
        self._through_h = o.reach * (1 + h.reach**2)

    def by_hidden(self, t: int, d: Bounded) -> tuple[Bounded, Bounded]:
        """The gradient with respect to c that passes through tanh(c), and `dz` of o."""
        both = self._fl.product(d, self._in_d.at(t))
        return both[0], both[1]

    def by_memory(self, t: int, d_c: Bounded) -> Bounded:
        """`dz` of f, i and c, `(3, k, n, m)`."""
        return self._fl.product(d_c, self._in_dc.at(t))

    def before(self, t: int, d_c: Bounded) -> Bounded:
        """The gradient with respect to the memory state before step t."""
        return self._fl.product(d_c, self._in_d_c.at(t))

    def back(self, t: int, d: Bounded, d_c: Bounded) -> tuple[Bounded, Bounded]:
        """`dz` of a step, and the gradient with respect to the memory state before it."""
        through_h, dzo = self.by_hidden(t, d)
        by_c = self._fl.total(d_c, through_h)
        overflows = self.overflows(t, d, d_c)
        by_gates = unknown_where(overflows[:3], self.by_memory(t, by_c))
        dz = joined(*(by_gates[gate] for gate in range(3)), dzo)
        return dz, unknown_where(overflows[3], self.before(t, by_c))

    def overflows(self, t: int, d: Bounded, d_c: Bounded) -> Array:
        """Where a program may overflow if it expands the product with dc, which is a sum.

        The result `(4, k, n, m)` is for `dz` of f, i and c, and for the memory state before the step.
        """
        size = d_c.reach + d.reach * self._through_h[t]
        overflows: Array = ~(size * self._largest[t] <= self._fl.largest)
        return overflows & ~(d.is_zero & d_c.is_zero)


def steps_of(fl: Arithmetic, steps: Sequence[Step], c_prev: Sequence[Bounded]) -> RNNSteps | LSTMSteps:
    """The steps (at least one) of a forward pass, with the memory state before each step."""
    return LSTMSteps(fl, steps, c_prev) if "c" in steps[0] else RNNSteps(fl, steps)


def unknown_where(unknown: Array, x: Bounded) -> Bounded:
    """The numbers with an infinite error where `unknown`."""
    return Bounded(x.value, np.where(unknown & np.isfinite(x.value), np.inf, x.error))
