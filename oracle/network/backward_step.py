"""One step back: the equations of `oracle.network.derivative` in an arithmetic.

All arrays are stacks `(k, n, m)`; over all steps, `(T_x, k, n, m)`. `op` has the operations of an arithmetic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from oracle.network.cells import CELLS
from oracle.network.derivative import Back, Product, derivative
from oracle.network.expressions import Expression
from oracle.network.sweep import Sweep
from reference.contract import Array

Gradients = dict[str, Any]
"""The gradients of one step, by the names of `oracle.network.derivative`."""


class StepsBack:
    """All steps of a sweep, with the factors by which gradients are multiplied.

    Products of one gradient with equally many factors are computed by one call: `terms` has them by the
    gradient and the number of factors, `factors` the factors, stacked, and `multiplied` what the arithmetic
    makes of these before the sweep.
    """

    def __init__(self, op: Any, sweep: Sweep) -> None:
        self.op = op
        self.sweep = sweep
        self.equations = derivative(sweep.kind)
        self.values = StepValues(op, sweep)
        self.terms: dict[tuple[str, int], list[Product]] = {}
        for each in self.equations.values():
            for term in () if isinstance(each, Back) else each:
                if term.factors:
                    self.terms.setdefault((term.gradient, len(term.factors)), []).append(term)
        self.factors: dict[tuple[str, int], list[Any]] = {
            key: [
                np.stack([self.values.of(factor) for factor in factors], axis=1)
                for factors in zip(*(term.factors for term in terms), strict=True)
            ]
            for key, terms in (self.terms.items() if sweep.steps else ())
        }
        self.multiplied = {key: op.factors(*factors) for key, factors in self.factors.items()}
        self._maps = {
            name: op.transposed_map(stacked_weights(sweep, each))
            for name, each in self.equations.items()
            if isinstance(each, Back)
        }

    def back(self, t: int, d: Any, d_c: Any) -> Gradients:
        """All gradients of step t, from the gradients with respect to its states."""
        g: Gradients = {"da_next": d, "dc_next": d_c}
        products: dict[Product, Any] = {}
        for name, each in self.equations.items():
            if not isinstance(each, Back):
                terms = [self._term(term, t, g, products) for term in each]
                g[name] = self.op.total(*terms) if len(terms) > 1 else terms[0]
                continue
            g[name] = self._maps[name](self.op.stack(*(g[f"d_{z}"] for z in each.maps)))
            start = 0
            for i, operand in enumerate(each.operands):
                rows = self.values.of(operand).shape[-2]
                g[f"{name}[{i}]"] = g[name][..., start : start + rows, :]
                start += rows
        return g

    def _term(self, term: Product, t: int, g: Gradients, products: dict[Product, Any]) -> Any:
        if not term.factors:
            return g[term.gradient]
        if term not in products:
            key = term.gradient, len(term.factors)
            product = self.product(key, t, g)
            products.update((each, product[i]) for i, each in enumerate(self.terms[key]))
        return products[term]

    def product(self, key: tuple[str, int], t: int, g: Gradients) -> Any:
        """The products of a gradient with the factors of all its terms with this key, stacked on axis 0."""
        return self.op.product(g[key[0]], self.multiplied[key], t)


class StepValues:
    """The values of expressions in all steps of a sweep, `(T_x, k, n, m)`."""

    def __init__(self, op: Any, sweep: Sweep) -> None:
        self._op = op
        self._cell = CELLS[sweep.kind]
        self._sweep = sweep
        self._values: dict[str | Expression, Any] = {}

    def of(self, expression: Expression) -> Any:
        """The value of an expression; a quantity that the steps lack is computed."""
        key = expression.name or expression
        if key not in self._values:
            self._values[key] = self._evaluated(expression)
        return self._values[key]

    def _evaluated(self, expression: Expression) -> Any:
        name = expression.name
        if expression.operation == "tanh_slope" and self._sweep.activation == "relu":
            [a] = expression.operands
            return self._op.relu_slope(self.of(self._cell[a.name].operands[0]))
        if not name:
            operation = getattr(self._op, expression.operation)
            return operation(*(self.of(operand) for operand in expression.operands))
        if name in self._sweep.steps[0]:
            return np.stack([step[name] for step in self._sweep.steps])
        return self.of(self._cell[name])


def stacked_weights(sweep: Sweep, back: Back) -> Array:
    """The weights of the affine maps of one vector, stacked."""
    rows = []
    for z in back.maps:
        W = CELLS[sweep.kind][z].operands[0]
        rows.append(np.concatenate([sweep.p[each.name] for each in (W.operands or (W,))], axis=-1))
    return np.concatenate(rows, axis=-2)
