"""The bounds of a backward pass step by step, each from the program's own gradient of the next step.

Over many steps, the bound on a gradient becomes too large to be useful; the bound of one step does not. A
program shows its gradients with respect to the pre-activations, dz, if these are inputs (see
`BackwardInputs.with_pre_activations_as_inputs`). The right gradient of a step is then computed from the
program's gradient of the next step, which counts as exact.
"""

from __future__ import annotations

import numpy as np

from oracle.backpropagation import Chain, cached, memory_before, parameter_gradients, weights
from oracle.backward_inputs import BackwardInputs
from oracle.backward_step import LSTMSteps, steps_of, unknown_where
from oracle.propagation import over_time
from oracle.rounding import Arithmetic, Bounded, Factors
from reference.contract import Array


@np.errstate(all="ignore")
def evaluate(inputs: BackwardInputs, dz: Array) -> dict[str, Bounded]:
    """Every gradient with its bound, as in `oracle.backpropagation.evaluate`, from the program's own `dz`.

    `dz (n_x, m, T_x)` is the gradient with respect to the inputs, which are the pre-activations.
    """
    fl = Arithmetic(inputs.dtype)
    given = cached(fl, [inputs])
    n_a, T_x = len(inputs.a0), inputs.x.shape[2]
    own = _shown(dz)
    chain = Chain([], given.a0, given.c0, [own[t] for t in range(T_x)], [])
    found = {f"d{name}": bounded for name, bounded in parameter_gradients(fl, given, chain).items()}

    by_states = fl.matmul(Bounded.exact(weights(given)[:, :, :n_a].swapaxes(1, 2)), own)
    found["da0"] = by_states[0][..., None]
    direct = Bounded.exact(np.moveaxis(inputs.da, 2, 0)[:, None])
    none = np.zeros((1, *direct.value.shape[1:]))
    later = Bounded(*(np.concatenate([part[1:], none]) for part in (by_states.value, by_states.error)))
    d = fl.total(direct, later)

    steps, d_c = steps_of(fl, given.steps, memory_before(given)), Bounded.exact(inputs.dc[None])
    memory = _Memory(fl, steps, own) if isinstance(steps, LSTMSteps) else None
    shown = [given.a0] * T_x
    for t in reversed(range(T_x)):
        shown[t] = _through_the_identity(steps.back(t, d[t], d_c)[0])
        if memory:
            d_c = memory.before(t, d[t], d_c)
    found["dx"] = over_time(shown, given.a0)
    return {name: bounded[0] for name, bounded in found.items()}


def _shown(dz: Array) -> Bounded:
    """The gradients of all steps, `(T_x, 1, n_x, m)`; NaN and infinity become unknown values.

    The product with the identity turns one infinity in dz into NaN in other values of the sample.
    """
    value = np.moveaxis(dz, 2, 0)[:, None].astype(np.float64)
    known = np.isfinite(value)
    return Bounded(np.where(known, value, 0), np.where(known, 0, np.inf))


def _through_the_identity(dz: Bounded) -> Bounded:
    """The product with the identity, which is exact. An infinity makes all values of its sample unknown."""
    unknown = np.isinf(dz.error).any(axis=1, keepdims=True)
    return Bounded(dz.value, np.where(unknown, np.inf, dz.error))


class _Memory:
    """The gradients with respect to the memory states, inferred from the program's own `dz`."""

    def __init__(self, fl: Arithmetic, steps: LSTMSteps, own: Bounded) -> None:
        self._fl = fl
        self._steps = steps
        T_x, _, rows, m = own.value.shape
        dz = own.value[:, 0, : rows // 4 * 3].reshape(T_x, 3, 1, rows // 4, m)  # of f, i and c
        k = fl.product(*steps.in_dc)  # the factor of the gradient with respect to the memory state
        value = dz / k.value
        self._known = np.isfinite(value) & (np.abs(k.value) > 4 * k.error)
        self._value = np.where(self._known, value, 0)
        quotient = Bounded(np.where(np.isfinite(value), value, 0), np.zeros(value.shape))
        self._rounding = fl.product(quotient, Factors.of(*steps.in_dc)).error
        self._size = np.abs(k.value)

    def before(self, t: int, d: Bounded, d_c: Bounded) -> Bounded:
        """`dc` before step t, from the gradients `d` and `d_c` with respect to the states after step t."""
        *overflows, overflows_c = self._steps.overflows(t, d, d_c)
        error = 2 * (self._rounding[t] + self._fl.eta) / self._size[t]
        error = np.where(self._known[t] & ~np.stack(overflows), error, np.inf)
        by_c = self._fl.total(d_c, self._steps.by_hidden(t, d)[0])
        for gate in range(3):
            by_c = _narrower(by_c, Bounded(self._value[t, gate], error[gate]))
        return unknown_where(overflows_c, self._steps.before(t, by_c))


def _narrower(x: Bounded, y: Bounded) -> Bounded:
    """For each element, the narrower of two enclosures of the same number."""
    first = x.error <= y.error
    return Bounded(np.where(first, x.value, y.value), np.where(first, x.error, y.error))
