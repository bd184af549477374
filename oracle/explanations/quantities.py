"""The quantities of a step as a graph, read from the equations of `oracle.network`.

A claim about an unlisted mistake replaces one quantity of this graph: a gate, a product in a sum, a weight.
"""

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np

from oracle.faults.equations import OPERATIONS
from oracle.network.equations import CELLS, HEAD, Expression
from reference.contract import Array, Kind

ACTIVATIONS = ("tanh", "sigmoid", "relu")

_OPERATIONS: Mapping[str, Callable[..., Any]] = {**OPERATIONS, "product": np.matmul}


class Quantities:
    """The quantities of one step by name, each with the operation and the names of its operands.

    A part of an equation has its formula as its name: `ft * c_prev`, `Wf concat`. Values are `(n, samples)`.
    """

    def __init__(self, kind: Kind, *, activation: str = "tanh", projected: bool = False) -> None:
        self._parts: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._sources: dict[str, frozenset[str]] = {}
        for name, expression in {**CELLS[kind], **HEAD}.items():
            self._add(name, expression)
        if activation == "relu":
            self._parts["a_next"] = "relu", ("z",)
        if projected:
            self._parts["a_out"] = "product", ("Wp", "a_next")

    def _add(self, name: str, expression: Expression) -> None:
        operation, operands = expression.operation, expression.operands
        if operation in ("affine", "head"):  # as a sum, so that a claim can name its terms
            W, u, b = operands
            pairs = [(W, u)]
            if W.operation == "beside":
                stacked, *_ = self._parts[str(u)][1:]
                pairs = [*zip(map(str, W.operands), stacked, strict=True)]  # type: ignore[list-item]
            terms = [f"{each} {vector}" for each, vector in pairs]
            for term, (each, vector) in zip(terms, pairs, strict=True):
                self._parts[term] = "product", (str(each), str(vector))
            total = terms[0]
            for term in (*terms[1:], str(b)):
                self._parts[joined := name if term == str(b) else f"{total} + {term}"] = "plus", (total, term)
                total = joined
            return
        for operand in operands:
            if not operand.name:
                self._add(str(operand), operand)
        self._parts[name] = operation, tuple(map(str, operands))

    @cached_property
    def arguments(self) -> frozenset[str]:
        """The names of the arguments and parameters of a step."""
        return frozenset[str]().union(*map(self.sources, self._parts)) - self._parts.keys()

    def operation(self, name: str) -> tuple[str, tuple[str, ...]]:
        """The operation of a quantity, and its operands; no operation for an argument."""
        return self._parts.get(name, ("", ()))

    def sources(self, name: str) -> frozenset[str]:
        """The names of the quantity and of all from which it is computed."""
        if name not in self._sources:
            self._sources[name] = frozenset({name}.union(*map(self.sources, self.operation(name)[1])))
        return self._sources[name]

    def value(self, name: str, known: Mapping[str, Array]) -> Array:
        """Compute a quantity from known arrays. Raises `KeyError` if an argument is not known."""
        if name in known:
            return known[name]
        operation, operands = self._parts[name]
        value: Array = _OPERATIONS[operation](*(self.value(each, known) for each in operands))
        return value


quantities_of = cache(Quantities)
"""The quantities of a kind of step; the arguments are those of `Quantities`."""
