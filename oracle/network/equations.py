"""The equations of the network, written once, for any arithmetic.

An expression is built like a formula, `ft * c_prev + it * cct`, and knows no numbers. An arithmetic is an
object `v` with one function for each operation (`affine`, `tanh`, `plus`, …); the quantities are attributes
of `v`, too. Balls give the exact value, `Bounded` the bounds on rounding, NumPy the answers of programs with
a mistake, and `oracle.network.backward` derives the gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np

from reference.contract import NETWORKS, Kind

Equation = Callable[..., Any]
"""Computes a quantity from `v`, whose attributes are the known quantities and the operations."""

Equations = Mapping[str, Equation]
"""The equations by the quantity that each computes, in order."""

_SIGNS = {"plus": "+", "times": "*"}


@dataclass(frozen=True, eq=False)
class Expression:
    """An operation on operands; a quantity with a name has the operation `""`. It is equal only to itself."""

    operation: str
    operands: tuple[Expression, ...] = ()
    name: str = ""

    def __add__(self, other: Expression) -> Expression:
        return Expression("plus", (self, other))

    def __mul__(self, other: Expression) -> Expression:
        return Expression("times", (self, other))

    def __str__(self) -> str:
        """The formula, such as `ot * tanh(c_next)`."""
        operands = map(str, self.operands)
        if self.operation in _SIGNS:
            return f" {_SIGNS[self.operation]} ".join(operands)
        return self.name or f"{self.operation}({', '.join(operands)})"

    @property
    def quantities(self) -> Iterator[str]:
        """The names of the quantities in the expression."""
        if self.name:
            yield self.name
        for operand in self.operands:
            yield from operand.quantities


def quantities(names: str) -> Iterator[Expression]:
    """The quantities with these names, separated by blanks."""
    return (Expression("", name=name) for name in names.split())


def operation(name: str) -> Callable[..., Expression]:
    """The function that builds an expression of this operation from its operands."""
    return lambda *operands: Expression(name, operands)


affine, head, stack, beside = map(operation, ("affine", "head", "stack", "beside"))
tanh, sigmoid, softmax = map(operation, ("tanh", "sigmoid", "softmax"))
xt, a_prev, c_prev, concat, a_next, c_next = quantities("xt a_prev c_prev concat a_next c_next")
Waa, Wax, ba, z = quantities("Waa Wax ba z")
Wf, Wi, Wc, Wo, bf, bi, bc, bo = quantities("Wf Wi Wc Wo bf bi bc bo")
zf, zi, zc, zo, ft, it, cct, ot = quantities("zf zi zc zo ft it cct ot")
Wy, by, logits = quantities("Wy by logits")

CELLS: Mapping[Kind, Mapping[str, Expression]] = {
    "rnn": {
        "concat": stack(a_prev, xt),
        "z": affine(beside(Waa, Wax), concat, ba),
        "a_next": tanh(z),
    },
    "lstm": {
        "concat": stack(a_prev, xt),
        "zf": affine(Wf, concat, bf),
        "zi": affine(Wi, concat, bi),
        "zc": affine(Wc, concat, bc),
        "zo": affine(Wo, concat, bo),
        "ft": sigmoid(zf),
        "it": sigmoid(zi),
        "cct": tanh(zc),
        "ot": sigmoid(zo),
        "c_next": ft * c_prev + it * cct,
        "a_next": ot * tanh(c_next),
    },
}
"""The equations of a step in order. `affine(W, u, b)` is W u + b, and so is `head` for the logits; `stack`
puts rows below each other, and `beside` puts columns beside each other. In place of tanh, an RNN may have
relu."""

HEAD: Mapping[str, Expression] = {"logits": head(Wy, a_next, by), "yt_pred": softmax(logits)}
"""The prediction head; in an RNN, too, the head's weight is Wy."""

GATES: Mapping[str, str] = {
    letter: gate for network in NETWORKS.values() for letter, gate in network.gates.items()
}
"""The name of each gate's values, by the letter in the names of the gate's weights, of all kinds."""

SHARED: Equations = {
    "stack": lambda *parts: np.concatenate(parts, axis=-2),
    "beside": lambda *parts: np.concatenate(parts, axis=-1),
    "plus": np.add,
}
"""The operations that are those of NumPy in every arithmetic; `rounding` has its own sum."""

SLOPES: Equations = {"tanh_slope": lambda a: 1 - a * a, "sigmoid_slope": lambda s: s * (1 - s)}
"""The slopes of functions, each computed from the result of its function, where no number is rounded."""


def equation(expression: Expression) -> Equation:
    """The function that evaluates an expression in the arithmetic `v`."""
    if expression.name:
        return attrgetter(expression.name)
    operation, operands = attrgetter(expression.operation), [*map(equation, expression.operands)]
    if len(operands) == 2:  # saves time
        left, right = operands
        return lambda v: operation(v)(left(v), right(v))
    return lambda v: operation(v)(*[operand(v) for operand in operands])


ACTIVATIONS = ("sigmoid", "tanh")


def joined(table: Mapping[str, Expression]) -> dict[str, Equation]:
    """The equations of a table, with those joined that one operation can compute, to save time.

    Joined are the affine maps of one vector, with their weights and biases stacked, and the activations of
    their results; all results have equal numbers of rows. `v.affine_map` gets the stacked weights and biases
    once for all steps, and `v.affine_maps` keeps what it returns.
    """
    equations: dict[str, Equation] = {}
    activated = {e.operands[0].name: name for name, e in table.items() if e.operation in ACTIVATIONS}
    needed = {z for name, e in table.items() if name not in activated.values() for z in e.quantities}
    for name, expression in table.items():
        if name in equations or (name in activated and activated[name] in equations):
            continue
        if expression.operation != "affine":
            equations[name] = equation(expression)
            continue
        affine = {z: each for z, each in table.items() if each.operation == "affine"}
        maps = {z: each for z, each in affine.items() if each.operands[1] is expression.operands[1]}
        by_activation: dict[str, list[str]] = {}
        for z in maps:
            by_activation.setdefault(table[activated[z]].operation if z in activated else "", []).append(z)
        order = [z for zs in by_activation.values() for z in zs]
        together = " ".join(order)
        equations[together] = _joined_affine_map(together, [maps[z] for z in order])
        for z in needed.intersection(maps) - {together}:
            equations[z] = partial(_rows, together, order.index(z), 1, len(order))
        for activation, zs in by_activation.items():
            if activation:
                names = [activated[z] for z in zs]
                rows = partial(_rows, together, order.index(zs[0]), len(zs), len(order))
                equations[" ".join(names)] = _activation(activation, rows)
                if len(names) > 1:
                    parts = [partial(_rows, " ".join(names), i, 1, len(names)) for i in range(len(names))]
                    equations.update(zip(names, parts, strict=True))
    return equations


def _joined_affine_map(name: str, maps: Sequence[Expression]) -> Equation:
    weights, _, biases = (
        equation(Expression("stack", operands) if len(maps) > 1 else operands[0])
        for operands in zip(*(each.operands for each in maps), strict=True)
    )
    vector = equation(maps[0].operands[1])

    def affine(v: Any) -> Any:
        if name not in v.affine_maps:
            v.affine_maps[name] = v.affine_map(weights(v), biases(v))
        return v.affine_maps[name](vector(v))

    return affine


def _activation(operation: str, z: Equation) -> Equation:
    activation = attrgetter(operation)
    return lambda v: activation(v)(z(v))


def _rows(together: str, start: int, parts: int, count: int, v: Any) -> Any:
    """The rows of `parts` of the `count` quantities in a joined quantity, from the number `start` on."""
    joined = getattr(v, together)
    if parts == count:
        return joined
    n = joined.shape[-2] // count
    return joined[..., start * n : (start + parts) * n, :]
