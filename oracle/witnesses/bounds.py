"""The bounds of a problem: the network and its derivative in the arithmetic of `rounding`.

For a backward pass that takes caches, the right gradients are those of the numbers in the caches. But a
program may compute the states and gates of a step again from the inputs of the step. So each cached number
gets an error: twice the bound of one step. For whole layers, the right gradients are those of the exact
function, and the errors of the forward pass propagate.

`batch` is a sequence of inputs of equal shapes; axis 0 of all arrays has one entry for each input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import prod
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracle.network.backward import Back, Gradients, Product, StepsBack, gradients_of
from oracle.network.equations import SHARED
from oracle.network.forward import (
    Sweep,
    cached_sweep,
    compute_steps,
    forward_results,
    stacked,
    stacked_parameters,
)
from oracle.problems.inputs import AnyBackward, BackwardInputs, Inputs
from oracle.witnesses.rounding import Arithmetic, Bounded, Factors
from reference.contract import Array


def bounds_on(inputs: Inputs, *, gradual: bool = False) -> dict[str, Bounded]:
    """Every quantity of a forward pass with its bound: `a`, `y`; for an LSTM `c`, `ft`, `it`, `cct`, `ot`.

    Each is `(n, m, T_x)`, with bounds that grow from step to step. For single steps, each from its own state,
    pass `Inputs.steps`. A quantity that is NaN or infinite has the bound 0. For layers, the quantities are `a
    (D n_h, m, T_x)`, `a_last` and, for an LSTM, `c_last` `(L D n, m, 1)`, with the rows of all layers. A
    program may flush subnormal numbers to zero, unless underflow must be `gradual`. Of a backward pass, the
    quantities are the gradients, with the shapes and names of `exact.evaluate`.
    """
    return bounds_on_each([inputs], gradual=gradual)[0]


@np.errstate(all="ignore")
def bounds_on_each(batch: Sequence[Inputs], *, gradual: bool = False) -> list[dict[str, Bounded]]:
    """The results of `bounds_on` for several inputs of equal shapes, computed at once to save time.

    Each result has the bounds of the precision of its input.
    """
    results: list[dict[str, Bounded]] = [{}] * len(batch)
    for dtype in dict.fromkeys(inputs.dtype for inputs in batch):
        indices = [i for i, inputs in enumerate(batch) if inputs.dtype == dtype]
        stacks = _stacks(arithmetic(dtype, gradual=gradual), [batch[i] for i in indices])
        for k, i in enumerate(indices):
            results[i] = {name: bounded[k] for name, bounded in stacks.items()}
    return results


def _stacks(fl: Arithmetic, batch: Sequence[Any]) -> dict[str, Bounded]:
    """Every quantity, stacked over the inputs on axis 0."""
    if not isinstance(batch[0], AnyBackward):
        return forward_results(operations(fl), batch)
    from_caches = partial(bounded_caches, fl)
    return gradients_of(operations(fl), backward_operations(fl), batch, from_caches, BoundedStepsBack)


arithmetic = cache(Arithmetic)
"""The rules of rounding in a precision: one object for all calls, by which `operations` are cached."""


@cache
def operations(fl: Arithmetic) -> Mapping[str, Any]:
    """The operations of the network on quantities with bounds, and on parameters, which are exact arrays."""

    def affine_map(W: Array, b: Array) -> Callable[[Bounded], Bounded]:
        return partial(fl.affine, fl.matrix(Bounded.exact(W)), b=b)

    return {
        **SHARED,
        **{name: getattr(fl, name) for name in vars(Arithmetic) if name[0] != "_"},
        "exact": Bounded.exact,
        "zeros": lambda shape, _: Bounded.exact(np.zeros(shape)),
        "affine_map": affine_map,
        "projection": lambda Wp: affine_map(Wp, np.zeros((1, 1))),
        "head": fl.affine,
        "record": lambda step: step,
    }


def bounded_caches(fl: Arithmetic, batch: Sequence[BackwardInputs]) -> Sweep:
    """The numbers in the caches, with an error of twice the bound of one step from the cached states."""
    op = operations(fl)
    cached = {name: np.stack([each.cached[name] for each in batch]) for name in batch[0].cached}
    # Each step starts from the cached states, so all steps are evaluated as samples of one step.
    p = stacked_parameters([each.parameters for each in batch])
    x, a, c = (_steps_as_samples(stacked(op, batch, name)) for name in ("x", "a_prev", "c_prev"))
    k, n_a, m, T_x = cached["a"].shape
    quantities = compute_steps(op, batch[0].kind, p, x[..., None], a, c).entries[0]
    errors = {name: quantities[f"{name}_next" if name in ("a", "c") else name].error for name in cached}
    bounded = {
        name: Bounded(values.astype(np.float64), 2 * np.moveaxis(errors[name].reshape(k, n_a, T_x, m), 2, 3))
        for name, values in cached.items()
    }
    return cached_sweep(op, batch, bounded)


def _steps_as_samples(x: Any) -> Any:
    """All steps of `(k, n, m, T_x)` as samples of one step, `(k, n, T_x m)`."""
    k, n, m, T_x = x.shape
    return np.reshape(np.transpose(x, (0, 1, 3, 2)), (k, n, T_x * m))


@cache
def backward_operations(fl: Arithmetic) -> Any:
    """The operations of the derivative on quantities with bounds."""
    op = SimpleNamespace(**operations(fl), largest=fl.largest, factors=Factors.of)
    op.product = lambda gradient, factors, t: fl.product(gradient, factors.entries(t))
    op.transposed_map = lambda W: partial(fl.matmul, fl.matrix(Bounded.exact(W.swapaxes(1, 2))))
    return op


class BoundedStepsBack(StepsBack):
    """Steps back whose gradients are unknown where a program may overflow or multiply infinity by 0."""

    def __init__(self, op: Any, sweep: Sweep) -> None:
        super().__init__(op, sweep)
        self._sizes = {
            term: prod(_size_multiplied_out(self.values, factor) for factor in term.factors)
            for gradient in (self.gradients if sweep.steps else ())
            for term in self._terms_of(gradient)
        }
        self._largest = {
            key: np.fmax(1, first.reach)
            for key, (first, *_) in self.factors.items()
            if self._terms_of(key[0])
        }

    def _terms_of(self, gradient: str) -> Sequence[Product]:
        """The terms of a gradient that is a sum."""
        each = self.gradients.get(gradient, ())
        return () if isinstance(each, Back) or len(each) < 2 else each

    def product(self, key: tuple[str, int], t: int, g: Gradients) -> Any:
        """The products of a gradient with the factors of all its terms with this key, stacked on axis 0."""
        product = super().product(key, t, g)
        if self._terms_of(key[0]):
            unknown = self.overflows(key, t, g) & np.isfinite(product.value)  # NaN and infinity are known
            product = Bounded(product.value, np.where(unknown, np.inf, product.error))
        if self.sweep.activation == "relu":
            # Some programs multiply infinity by the slope 0, which gives NaN; others omit such products.
            slope = self.factors[key][0][t]
            unknown = ~np.isfinite(g[key[0]].value) & ~((slope.value == 1) & (slope.error == 0))
            product = Bounded(np.where(unknown, 0, product.value), np.where(unknown, np.inf, product.error))
        return product

    def overflows(self, key: tuple[str, int], t: int, g: Gradients) -> Array:
        """Where a program may overflow if it multiplies out the sum that is the gradient of a product."""
        memo = f"{key[0]} multiplied out"
        if memo not in g:
            terms = self._terms_of(key[0])
            parts = [g[term.gradient].reach * (self._sizes[term][t] if term.factors else 1) for term in terms]
            g[memo] = sum(parts), np.logical_and.reduce([g[term.gradient].is_zero for term in terms])
        size, is_zero = g[memo]
        return np.asarray(~(size * self._largest[key][t] <= self.op.largest) & ~is_zero)


def _size_multiplied_out(values: Any, factor: Any) -> Any:
    """The largest size of a factor in all steps; of a slope 1 - h², the sum of the sizes of its terms."""
    if factor.operation == "tanh_slope":
        return 1 + values.of(factor.operands[0]).reach ** 2
    return values.of(factor).reach
