"""The bounds of each step of a backward pass, from the program's own gradient of the next step.

Over many steps, the bound on a gradient becomes too large to be useful; the bound of one step does not. A
program returns its gradients with respect to the pre-activations, dz, if the pre-activations are inputs (see
`BackwardInputs.with_pre_activations_as_inputs`). The right gradient of a step is then computed from the
program's gradient of the next step, unless the bounds on the whole pass show that it is wrong. Then the right
gradient takes its place: otherwise, right gradients would be blamed for wrong ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracle.network.backward import Back, Chain, Gradients, parameter_gradients, stacked_weights
from oracle.network.forward import over_time
from oracle.problems.inputs import BackwardInputs
from oracle.witnesses.bounds import (
    BoundedStepsBack,
    arithmetic,
    backward_operations,
    bounded_caches,
    bounds_on,
)
from oracle.witnesses.rounding import Arithmetic, Bounded
from reference.contract import NETWORKS, Array


@np.errstate(all="ignore")
def evaluate(inputs: BackwardInputs, dz: Array) -> dict[str, Bounded]:
    """Every gradient with its bound, as in `bounds_on`, from the program's own `dz`.

    `dz (n_x, m, T_x)` is the gradient with respect to the inputs, which are the pre-activations. It comes
    first, since all other gradients follow from it.
    """
    every = bounds_on(inputs)
    fl = arithmetic(inputs.dtype, gradual=False)
    op, sweep = backward_operations(fl), bounded_caches(fl, [inputs])
    steps, (n_a, _, T_x) = BoundedStepsBack(op, sweep), inputs.da.shape
    back, *others = [each for each in steps.gradients.values() if isinstance(each, Back)]
    if others:  # dz alone does not give the gradient with respect to the state before
        return every
    own_dz = _own_unless_wrong(dz, every["dx"])
    own = {f"d{z}": own_dz[:, :, i * n_a : (i + 1) * n_a] for i, z in enumerate(back.maps)}
    chain = Chain([{name: each[t] for name, each in own.items()} for t in range(T_x)], [], sweep.a0, sweep.c0)
    parameters = parameter_gradients(op, steps.values, sweep, chain, np.ones((T_x, 1, 1, 1), bool))
    gradients = {f"d{name}": bounded[..., None] for name, bounded in parameters.items()}

    da_prev = fl.matmul(Bounded.exact(stacked_weights(sweep, back)[:, :, :n_a].swapaxes(1, 2)), own_dz)
    gradients["da0"] = da_prev[0][..., None]
    direct = Bounded.exact(np.moveaxis(inputs.da, 2, 0)[:, None])
    none = np.zeros((1, *direct.shape[1:]))
    d = fl.total(direct, da_prev.rearranged(lambda part: np.concatenate([part[1:], none])))

    d_c = Bounded.exact(inputs.dc[None])
    memory = _MemoryGradient(fl, steps, own) if NETWORKS[inputs.kind].has_memory else None
    dx = [sweep.a0] * T_x
    for t in reversed(range(T_x)):
        g = steps.back(t, d[t], d_c)
        dz_t: Any = np.concatenate([g[f"d{z}"] for z in back.maps], axis=-2)
        # A program multiplies dz by the identity. So an infinity makes NaN, inf * 0, of its whole sample.
        unknown = np.isinf(dz_t.error).any(axis=1, keepdims=True)
        dx[t] = Bounded(dz_t.value, np.where(unknown, np.inf, dz_t.error))
        if memory:
            d_c = memory.before(t, g)
    narrower = _narrower(over_time(dx, sweep.x)[0], every["dx"])
    return {"dx": narrower, **{name: bounded[0] for name, bounded in gradients.items()}}


def _own_unless_wrong(dz: Array, whole: Any) -> Bounded:
    """The program's `dz (n_x, m, T_x)`, or the right one, as steps `(T_x, 1, n_x, m)`; NaN is unknown.

    Near a saturated gate, `dz` is smaller than its bound, so a wrong one may pass for right. The error of the
    program's `dz` is its difference from the computed one, which is rounding if both are right.
    """
    difference = np.abs(dz - whole.value)
    own: Any = Bounded(dz, np.where(np.isfinite(difference), difference, 0))
    taken: Any = np.where(np.abs(own.value - whole.value) > 2 * whole.error, whole, own)
    steps: Any = np.transpose(taken, (2, 0, 1))[:, None]
    known = np.isfinite(steps.value)
    return Bounded(np.where(known, steps.value, 0), np.where(known, steps.error, np.inf))


def _narrower(one: Any, other: Any) -> Any:
    """Of two enclosures of the same numbers, the narrower one of each number."""
    return np.where(other.error < one.error, other, one)


class _MemoryGradient:
    """The gradient with respect to each memory state, inferred from the program's own `dz`."""

    _TO_DZ, _TO_MEMORY = ("dc", 2), ("dc", 1)

    def __init__(self, fl: Arithmetic, steps: BoundedStepsBack, own: Gradients) -> None:
        self._fl = fl
        self._steps = steps
        names = {each[0]: name for name, each in steps.gradients.items() if not isinstance(each, Back)}
        dz: Any = np.stack([own[names[term]] for term in steps.terms[self._TO_DZ]], axis=1)
        factors = steps.factors[self._TO_DZ]
        k = fl.product(*factors)  # dz is k times the gradient with respect to the memory state
        value = dz.value / k.value
        self._known = np.isfinite(value) & (np.abs(k.value) > 4 * k.error)  # any k exceeds |k.value| / 2
        self._value = np.where(self._known, value, 0)
        quotient = Bounded(np.where(np.isfinite(value), value, 0), np.zeros(value.shape))
        self._rounding = fl.product(quotient, steps.multiplied[self._TO_DZ]).error + dz.error
        self._size = np.abs(k.value)

    def before(self, t: int, g: Gradients) -> Bounded:
        """The gradient with respect to the memory state before step t, from the gradients of step t."""
        error = 2 * (self._rounding[t] + self._fl.eta) / self._size[t]
        error = np.where(self._known[t] & ~self._steps.overflows(self._TO_DZ, t, g), error, np.inf)
        dc = g["dc"]
        for gate in range(len(error)):
            dc = _narrower(dc, Bounded(self._value[t, gate], error[gate]))
        before: Bounded = self._steps.product(self._TO_MEMORY, t, {**g, "dc": dc})[0]
        return before
