"""The bounds of a backward pass step by step, from what the program itself gave the step after.

Over many steps the bound on a gradient grows beyond use, and this one does not. A program shows the gradients
by its pre-activations where these are inputs (`BackwardInputs.with_pre_activations_as_inputs`): each is then
held to what the one of the step after gives, which counts as exact.
"""

from __future__ import annotations

import numpy as np

from oracle.backpropagation import Chain, by_parameters, cached, weights
from oracle.backward_inputs import BackwardInputs
from oracle.backward_step import lstm_factors, multiplied_out, one_step, spread_by
from oracle.propagation import joined, over_time
from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array


@np.errstate(all="ignore")
def evaluate(inputs: BackwardInputs, dz: Array) -> dict[str, Bounded]:
    """Every gradient with its bound, as by `oracle.backpropagation.evaluate`, given the program's own `dz`.

    `dz (n_x, m, T_x)` is the gradient by the inputs, which are the pre-activations.
    """
    fl = Arithmetic(inputs.dtype)
    given = cached(fl, [inputs])
    n_a, T_x = len(inputs.a0), inputs.x.shape[2]
    # Where a sample has an infinity, the product with the identity shows what no step had.
    own = [Bounded(np.where(known, step, 0), np.where(known, 0, np.inf)) for step, known in _shown(dz)]
    WaT = Bounded.exact(weights(given)[:, :, :n_a].swapaxes(1, 2))
    steps = [given.a0] * T_x
    d_c = Bounded.exact(inputs.dc[None])
    for t in reversed(range(T_x)):
        step, c_prev = given.steps[t], given.steps[t - 1].get("c", given.c0) if t else given.c0
        d = Bounded.exact(inputs.da[None, :, :, t])
        if t + 1 < T_x:
            d = fl.total(d, fl.matmul(WaT, own[t + 1]))
        steps[t] = _through_the_identity(one_step(fl, step, c_prev, d, d_c)[0])
        if inputs.kind == "lstm":
            through_h, factors, _ = lstm_factors(fl, step, c_prev, d)
            *spread, spread_c = multiplied_out(fl, step, c_prev, d, d_c)
            by_c = fl.total(d_c, through_h)
            for gate, (factor, more) in enumerate(zip(factors, spread, strict=True)):
                told = own[t][:, gate * n_a : (gate + 1) * n_a].value
                by_c = _narrower(by_c, _told(fl, told, fl.product(*factor), factor, more))
            d_c = spread_by(fl.product(by_c, step["ft"]), 2 * spread_c)
    chain = Chain([], given.a0, given.c0, own, [])
    found = {f"d{name}": bounded for name, bounded in by_parameters(fl, given, chain).items()}
    found |= {"dx": over_time(steps, joined(given.a0)), "da0": fl.matmul(WaT, own[0])[..., None]}
    return {name: bounded[0] for name, bounded in found.items()}


def _shown(dz: Array) -> list[tuple[Array, Array]]:
    """The gradients of each step `(1, n_x, m)`, and which of them are numbers."""
    return [(step[None].astype(np.float64), np.isfinite(step)[None]) for step in np.moveaxis(dz, 2, 0)]


def _through_the_identity(dz: Bounded) -> Bounded:
    """What a product with the identity shows: exact, but one infinity leaves no number in its sample."""
    unknown = np.isinf(dz.error).any(axis=1, keepdims=True)
    return Bounded(dz.value, np.where(unknown, np.inf, dz.error))


def _told(fl: Arithmetic, dz: Array, k: Bounded, factors: object, more: Array) -> Bounded:
    """The gradient by the memory state that a program must have had to give `dz`, which is k times it."""
    assert isinstance(factors, tuple)
    value = dz / k.value
    rounding = fl.product(Bounded(np.where(np.isfinite(value), value, 0), 0 * k.error), *factors).error
    error = 2 * (rounding + more + fl.eta) / np.abs(k.value)
    known = np.isfinite(value) & (np.abs(k.value) > 4 * k.error)
    return Bounded(np.where(known, value, 0), np.where(known, error, np.inf))


def _narrower(x: Bounded, y: Bounded) -> Bounded:
    """Of two enclosures of the same the one with the smaller error, element by element."""
    first = x.error <= y.error
    return Bounded(np.where(first, x.value, y.value), np.where(first, x.error, y.error))
