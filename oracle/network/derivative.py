"""The equations of the gradients of a step, derived from the equations of the step by the chain rule.

The gradient with respect to a quantity q is `d_q`; `da_next` and `dc_next`, the gradients with respect to the
states, come from the step after. Nearly every gradient is a gradient that is known times factors of the
forward pass. So an arithmetic can compute the factors of all steps before the sweep back through time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from oracle.network.cells import CELLS
from oracle.network.expressions import SLOPES, Expression
from reference.contract import Kind


@dataclass(frozen=True, eq=False)
class Product:
    """The gradient with this name, times factors. It is equal only to itself."""

    gradient: str
    factors: tuple[Expression, ...] = ()

    def times(self, factor: Expression) -> Product:
        """The product with one more factor."""
        return Product(self.gradient, (*self.factors, factor))


@dataclass(frozen=True)
class Back:
    """The transposed weights of affine maps of one vector, times the gradients with respect to their results.

    The result has the rows of the `operands` that are stacked in the vector. The gradient with respect to the
    i-th operand has the name of the whole, and `[i]`.
    """

    maps: tuple[str, ...]
    operands: tuple[Expression, ...]


@cache
def derivative(kind: Kind) -> Mapping[str, Sequence[Product] | Back]:
    """The equations of the gradients of a step by name, in the order of computation; products are summed.

    The last ones are `d_a_prev`, `d_xt` and, for an LSTM, `d_c_prev`. The slope of a function is an
    operation on its result, such as `sigmoid_slope(ft)`, so that cached results can stand in for computed
    ones.
    """
    cell = CELLS[kind]
    terms: dict[str, list[Product]] = {
        name: [Product(f"d{name}")] for name in ("a_next", "c_next") if name in cell
    }
    maps: dict[str, list[str]] = {}
    equations: dict[str, Sequence[Product] | Back] = {}

    def hand_on(expression: Expression, term: Product, result: Expression) -> None:
        """Hand a term of the gradient with respect to an expression on to its operands."""
        match expression.operation, expression.operands:
            case "", _:
                terms.setdefault(expression.name, []).append(term)
            case "times", (left, right):
                hand_on(left, term.times(right), left)
                hand_on(right, term.times(left), right)
            case "plus", operands:
                for operand in operands:
                    hand_on(operand, term, operand)
            case function, (z,) if (slope := f"{function}_slope") in SLOPES:
                hand_on(z, term.times(Expression(slope, (result,))), z)
            case operation, _:
                raise ValueError(f"{operation} has no derivative")

    def gradient_of(name: str) -> Product:
        """The gradient with respect to a quantity; a sum, and what affine maps need, gets a name."""
        found = terms.pop(name)
        if len(found) == 1 and name in cell and cell[name].operation != "affine":
            return found[0]
        equations[f"d_{name}"] = found
        return Product(f"d_{name}")

    for name, expression in reversed([*cell.items()]):
        if expression.operation == "affine":
            gradient_of(name)
            maps.setdefault(expression.operands[1].name, []).insert(0, name)
        elif name in maps:
            operands = expression.operands if expression.operation == "stack" else (expression,)
            equations[f"d_{name}"] = Back(tuple(maps[name]), operands)
            for i, operand in enumerate(operands):
                hand_on(operand, Product(f"d_{name}[{i}]"), operand)
        else:
            hand_on(expression, gradient_of(name), Expression("", name=name))
    for name in [*terms]:
        gradient_of(name)
    return equations
