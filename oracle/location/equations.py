"""Computes the nodes of a step (the quantities in its equations), and bounds on their rounding errors."""

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from math import prod
from typing import Any

import numpy as np

from oracle.network.cells import CELLS, HEAD
from oracle.network.expressions import Expression
from oracle.witnesses.bounded import Bounded
from oracle.witnesses.rounding import Arithmetic
from reference.activations import sigmoid, softmax
from reference.contract import CONTRACTS, Array, Kind

Node = tuple[str, tuple[str, ...]]
"""The operation that computes a node, and the names of the operands."""


class Nodes(dict[str, Node]):
    """The nodes of a step by name, in the order of computation."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        super().__init__(nodes)
        self._sources: dict[str, frozenset[str]] = {}

    def depends(self, name: str, on: str) -> bool:
        """Whether the node `name` is the node `on`, or is computed from it."""
        return on in self._sources_of(name)

    def _sources_of(self, name: str) -> frozenset[str]:
        if name not in self._sources:
            operands = self[name][1] if name in self else ()
            self._sources[name] = frozenset({name}.union(*map(self._sources_of, operands)))
        return self._sources[name]


@lru_cache
def equations(
    kind: Kind, sequence: bool = False, projected: bool = False, activation: str = "tanh", head: bool = True
) -> Nodes:
    """The nodes of one step. With `sequence`, xt, a_prev and c_prev are computed from x and the states.

    Values are `(n, m, T_x)`, weights are matrices, and biases are `(n, 1, 1)`.
    """
    states = "a" if kind == "rnn" else "ac"
    nodes: dict[str, Node] = {}
    if sequence:
        nodes["xt"] = "same", ("x",)
        nodes |= {f"{s}_prev": ("before", (f"{s} of steps", f"{s}0")) for s in states}
    for name, expression in {**CELLS[kind], **(HEAD if head else {})}.items():
        _add(nodes, name, expression, "Wya" if kind == "rnn" else "Wy")
    if kind == "rnn":
        nodes["a_next"] = activation, ("z",)
    if projected:
        nodes["ot * tanh(c_next)"] = nodes["a_next"]
        del nodes["a_next"]
        nodes["a_next"] = "apply", ("Wp", "ot * tanh(c_next)")
    if head:
        nodes |= {f"returned {s}": ("same", (f"{s}_next",)) for s in states}
        cached = CONTRACTS[f"{kind}_cell_forward"].cache
        nodes |= {f"cached {name}": ("same", (name,)) for name in cached}
    return Nodes(nodes)


def _add(nodes: dict[str, Node], name: str, expression: Expression, head: str) -> None:
    """Add the node of an expression, after the nodes of its parts. The name of a part is its formula."""

    def part(each: Expression) -> str:
        text = str(each).replace("Wy", head)
        if not each.name:
            _add(nodes, text, each, head)
        return text

    operation, operands = expression.operation, expression.operands
    if operation in ("affine", "head"):
        W, u, bias = operands
        pairs = [(str(W).replace("Wy", head), str(u))]
        if W.operation == "beside":
            _, parts = nodes.pop(str(u))
            pairs = [*zip(map(str, W.operands), parts, strict=True)]
        nodes |= {f"{weight} {vector}": ("apply", (weight, vector)) for weight, vector in pairs}
        nodes[name] = "sum", (*(f"{weight} {vector}" for weight, vector in pairs), part(bias))
    else:
        parts = tuple(map(part, operands))
        nodes[name] = "sum" if operation == "plus" else operation, parts


ACTIVATIONS = ("tanh", "sigmoid", "relu")


def apply(W: Array, v: Array) -> Array:
    """`W v (n, m, T_x)` for every sample and step."""
    return np.asarray((W @ v.reshape(len(v), prod(v.shape[1:]))).reshape(len(W), *v.shape[1:]))


def states_before(states: Array, first: Array) -> Array:
    """The state before each step, `(n, m, T_x)`; `first` is the state before the first step."""
    first = np.broadcast_to(first, (*states.shape[:2], 1))
    return np.concatenate([first, states], axis=2)[:, :, : states.shape[2]]


OPERATIONS: Mapping[str, Callable[..., Array]] = {
    "same": lambda value: value,
    "before": states_before,
    "stack": lambda *parts: np.concatenate(parts),
    "apply": apply,
    "sum": lambda *terms: reduce(np.add, terms),
    "times": lambda *factors: reduce(np.multiply, factors),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda z: np.maximum(z, 0),
    "softmax": softmax,
}


def evaluate(nodes: Nodes, known: Mapping[str, Array], name: str, memo: dict[str, Array]) -> Array:
    """Compute the value of a node from the known arrays; `memo` caches the values of other nodes."""
    if name not in memo:
        operation, operands = nodes[name]
        values = [known[each] if each in known else evaluate(nodes, known, each, memo) for each in operands]
        with np.errstate(all="ignore"):
            memo[name] = OPERATIONS[operation](*values)
    return memo[name]


def bounded_value(nodes: Nodes, known: Mapping[str, Array], name: str, fl: Arithmetic) -> Bounded:
    """Compute the value of a node from the known arrays, and the bound on a right program's error."""
    with np.errstate(all="ignore"):
        return _bounded(nodes, known, name, fl, {})


def _bounded(
    nodes: Nodes, known: Mapping[str, Array], name: str, fl: Arithmetic, memo: dict[str, Bounded]
) -> Bounded:
    if name not in memo:

        def of(each: str) -> Bounded:
            return Bounded.exact(known[each]) if each in known else _bounded(nodes, known, each, fl, memo)

        memo[name] = _rule(nodes, known, name, fl, of)
    return memo[name]


def _rule(
    nodes: Nodes, known: Mapping[str, Array], name: str, fl: Arithmetic, of: Callable[[str], Bounded]
) -> Bounded:
    """Compute a node by its rounding rule. A sum of matrix products is one product of wider matrices."""
    operation, operands = nodes[name]
    products = [nodes[each][1] for each in operands if each in nodes and nodes[each][0] == "apply"]
    if operation == "apply" or products:
        pairs = products if products else [operands]
        bias = [known[each] for each in operands if each in known and each not in pairs[0]]
        W = np.concatenate([known[W] for W, _ in pairs], axis=1).astype(np.float64)
        v = [of(each) for _, each in pairs]
        columns = [_flat(each) for each in v]
        stacked = Bounded(
            *(np.concatenate(part) for part in zip(*((b.value, b.error) for b in columns), strict=True))
        )
        b = bias[0].reshape(-1, 1).astype(np.float64) if bias else np.zeros((1, 1))
        return _shaped(fl.affine(W, stacked, b), (len(W), *v[0].value.shape[1:]))
    if operation == "softmax":
        z = of(operands[0])
        return _shaped(fl.softmax(_flat(z)), z.value.shape)
    values = [of(each) for each in operands]
    if operation in ACTIVATIONS:
        return getattr(fl, operation)(values[0])  # type: ignore[no-any-return]
    if operation == "stack":
        return Bounded(np.concatenate([v.value for v in values]), np.concatenate([v.error for v in values]))
    if operation in ("sum", "times"):
        return reduce(fl.plus if operation == "sum" else fl.times, values)
    return Bounded.exact(OPERATIONS[operation](*(each.value for each in values)))


def _flat(b: Bounded) -> Bounded:
    return _shaped(b, (len(b.value), prod(b.value.shape[1:])))


def _shaped(b: Bounded, shape: Any) -> Bounded:
    return Bounded(b.value.reshape(shape), b.error.reshape(shape))
