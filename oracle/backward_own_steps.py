"""The bounds of each step of a backward pass, from the program's own gradient of the next step.

Over many steps, the bound on a gradient becomes too large to be useful; the bound of one step does not. A
program returns its gradients with respect to the pre-activations, dz, if the pre-activations are inputs (see
`BackwardInputs.with_pre_activations_as_inputs`). The right gradient of a step is then computed from the
program's gradient of the next step, which counts as exact.
"""

from __future__ import annotations

import numpy as np

from oracle.backpropagation import Chain, cached_layer, memory_states_before, parameter_gradients
from oracle.backward_inputs import BackwardInputs
from oracle.backward_step import LSTMSteps, steps_of, unknown_where
from oracle.inputs import stacked_weights
from oracle.propagation import over_time
from oracle.rounding import Arithmetic, Bounded, Factors
from reference.contract import Array


@np.errstate(all="ignore")
def evaluate(inputs: BackwardInputs, dz: Array) -> dict[str, Bounded]:
    """Every gradient with its bound, as in `oracle.backpropagation.evaluate`, from the program's own `dz`.

    `dz (n_x, m, T_x)` is the gradient with respect to the inputs, which are the pre-activations.
    """
    fl = Arithmetic(inputs.dtype)
    layer = cached_layer(fl, [inputs])
    n_a, T_x = len(inputs.a0), inputs.x.shape[2]
    own_dz = _finite_or_unknown(dz)
    chain = Chain([], layer.a0, layer.c0, [own_dz[t] for t in range(T_x)], [])
    gradients = {f"d{name}": bounded for name, bounded in parameter_gradients(fl, layer, chain).items()}

    da_prev = fl.matmul(Bounded.exact(stacked_weights(layer.p)[:, :, :n_a].swapaxes(1, 2)), own_dz)
    gradients["da0"] = da_prev[0][..., None]
    direct = Bounded.exact(np.moveaxis(inputs.da, 2, 0)[:, None])
    none = np.zeros((1, *direct.value.shape[1:]))
    d = fl.total(direct, da_prev.rearranged(lambda part: np.concatenate([part[1:], none])))

    steps, d_c = steps_of(fl, layer.steps, memory_states_before(layer)), Bounded.exact(inputs.dc[None])
    memory = _MemoryGradient(fl, steps, own_dz) if isinstance(steps, LSTMSteps) else None
    dx = [layer.a0] * T_x
    for t in reversed(range(T_x)):
        dz_t, _ = steps.back(t, d[t], d_c)
        # A program multiplies dz by the identity. So an infinity makes NaN, inf * 0, of its whole sample.
        unknown = np.isinf(dz_t.error).any(axis=1, keepdims=True)
        dx[t] = Bounded(dz_t.value, np.where(unknown, np.inf, dz_t.error))
        if memory:
            d_c = memory.before(t, d[t], d_c)
    gradients["dx"] = over_time(dx, layer.a0)
    return {name: bounded[0] for name, bounded in gradients.items()}


def _finite_or_unknown(dz: Array) -> Bounded:
    """The program's `dz (n_x, m, T_x)` as steps `(T_x, 1, n_x, m)`; NaN and infinities become unknown."""
    value = np.moveaxis(dz, 2, 0)[:, None].astype(np.float64)
    known = np.isfinite(value)
    return Bounded(np.where(known, value, 0), np.where(known, 0, np.inf))


class _MemoryGradient:
    """The gradient with respect to each memory state, inferred from the program's own `dz`."""

    def __init__(self, fl: Arithmetic, steps: LSTMSteps, own_dz: Bounded) -> None:
        self._fl = fl
        self._steps = steps
        T_x, _, rows, m = own_dz.value.shape
        dz = own_dz.value[:, 0, : rows // 4 * 3].reshape(T_x, 3, 1, rows // 4, m)  # of f, i and c
        k = fl.product(*steps.gate_factors)  # dz is k times the gradient with respect to the memory state
        value = dz / k.value
        self._known = np.isfinite(value) & (np.abs(k.value) > 4 * k.error)  # any k exceeds |k.value| / 2
        self._value = np.where(self._known, value, 0)
        quotient = Bounded(np.where(np.isfinite(value), value, 0), np.zeros(value.shape))
        self._rounding = fl.product(quotient, Factors.of(*steps.gate_factors)).error
        self._size = np.abs(k.value)

    def before(self, t: int, d: Bounded, d_c: Bounded) -> Bounded:
        """The gradient with respect to the memory state before step t, from `d` and `d_c` after step t."""
        *overflows, overflows_c = self._steps.overflows(t, d, d_c)
        error = 2 * (self._rounding[t] + self._fl.eta) / self._size[t]
        error = np.where(self._known[t] & ~np.stack(overflows), error, np.inf)
        dc = self._fl.total(d_c, self._steps.from_hidden(t, d)[0])
        for gate in range(3):  # the narrowest of four enclosures of the same numbers
            is_narrower = error[gate] < dc.error
            value = np.where(is_narrower, self._value[t, gate], dc.value)
            dc = Bounded(value, np.where(is_narrower, error[gate], dc.error))
        return unknown_where(overflows_c, self._steps.to_memory_before(t, dc))
