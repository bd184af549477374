"""The equations of a step as data, and their evaluation: with bounds, or with another value for a node."""

from collections.abc import Callable, Mapping
from functools import lru_cache, reduce
from math import prod
from typing import Any

import numpy as np

from oracle.rounding import Arithmetic, Bounded
from reference.contract import Array, Kind

Node = tuple[str, tuple[str, ...]]
"""An operation, and the names of its operands."""
Nodes = Mapping[str, Node]

GATES = {"f": "ft", "i": "it", "c": "cct", "o": "ot"}
HEAD = {"rnn": ("Wya", "by"), "lstm": ("Wy", "by")}


@lru_cache
def equations(
    kind: Kind, sequence: bool = False, projected: bool = False, activation: str = "tanh", head: bool = True
) -> Nodes:
    """The nodes of one step, in order; of a `sequence` also what a step takes over from the one before.

    Arrays are `(n, m, T_x)`, weights matrices, biases `(n, 1, 1)`.
    """
    nodes: dict[str, Node] = {}
    if sequence:
        nodes["xt"] = "same", ("x",)
        nodes["a_prev"] = "before", ("a of steps", "a0")
        if kind == "lstm":
            nodes["c_prev"] = "before", ("c of steps", "c0")
    if kind == "rnn":
        nodes["Waa a_prev"] = "apply", ("Waa", "a_prev")
        nodes["Wax xt"] = "apply", ("Wax", "xt")
        nodes["products"] = "sum", ("Waa a_prev", "Wax xt")
        nodes["z"] = "sum", ("Waa a_prev", "Wax xt", "ba")
        nodes["a_next"] = activation, ("z",)
    else:
        nodes["concat"] = "stack", ("a_prev", "xt")
        for gate, name in GATES.items():
            product = f"W{gate} concat"
            nodes[product] = "apply", (f"W{gate}", "concat")
            nodes[f"z{gate}"] = "sum", (product, f"b{gate}")
            nodes[name] = "tanh" if gate == "c" else "sigmoid", (f"z{gate}",)
        nodes["ft * c_prev"] = "times", ("ft", "c_prev")
        nodes["it * cct"] = "times", ("it", "cct")
        nodes["c_next"] = "sum", ("ft * c_prev", "it * cct")
        nodes["tanh(c_next)"] = "tanh", ("c_next",)
        nodes["ot * tanh(c_next)" if projected else "a_next"] = "times", ("ot", "tanh(c_next)")
        if projected:
            nodes["a_next"] = "apply", ("Wp", "ot * tanh(c_next)")
    if head:
        nodes |= _after(kind)
    return nodes


def _after(kind: Kind) -> dict[str, Node]:
    """The head, and what is returned and cached."""
    nodes: dict[str, Node] = {}
    head, bias = HEAD[kind]
    nodes[f"{head} a_next"] = "apply", (head, "a_next")
    nodes["logits"] = "sum", (f"{head} a_next", bias)
    nodes["yt_pred"] = "softmax", ("logits",)
    nodes["returned a"] = "same", ("a_next",)
    nodes["returned c"] = "same", ("c_next",)
    cached = (
        ("a_next", "a_prev", "xt")
        if kind == "rnn"
        else (
            "a_next",
            "c_next",
            "a_prev",
            "c_prev",
            "ft",
            "it",
            "cct",
            "ot",
            "xt",
        )
    )
    nodes |= {f"cached {name}": ("same", (name,)) for name in cached}
    return nodes


ACTIVATIONS = ("tanh", "sigmoid", "relu")


def apply(W: Array, v: Array) -> Array:
    """`W v` of every sample and step."""
    return np.asarray((W @ v.reshape(len(v), prod(v.shape[1:]))).reshape(len(W), *v.shape[1:]))


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), elementwise."""
    return np.asarray(1 / (1 + np.exp(-z)))


def softmax(z: Array) -> Array:
    """Over the first axis."""
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return np.asarray(e / e.sum(axis=0, keepdims=True))


def before(states: Array, first: Array) -> Array:
    """The state before each step."""
    return np.concatenate([np.broadcast_to(first, (*states.shape[:2], 1)), states[:, :, :-1]], axis=2)


OPERATIONS: Mapping[str, Callable[..., Array]] = {
    "same": lambda value: value,
    "before": before,
    "stack": lambda *parts: np.concatenate(parts),
    "apply": apply,
    "sum": lambda *terms: reduce(np.add, terms),
    "times": lambda *factors: reduce(np.multiply, factors),
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "relu": lambda z: np.maximum(z, 0),
    "softmax": softmax,
}


@lru_cache(maxsize=4096)
def _depends(nodes_id: int, name: str, on: str) -> bool:
    """Whether a node is computed from another one; `nodes_id` is a key of `_KEPT`."""
    nodes = _KEPT[nodes_id]
    return name == on or (name in nodes and any(_depends(nodes_id, each, on) for each in nodes[name][1]))


_KEPT: dict[int, Nodes] = {}


def depends(nodes: Nodes, name: str, on: str) -> bool:
    """Whether a node is, or is computed from, another one."""
    _KEPT.setdefault(id(nodes), nodes)
    return _depends(id(nodes), name, on)


def evaluate(nodes: Nodes, known: Mapping[str, Array], name: str, memo: dict[str, Array]) -> Array:
    """The value of a node by its equation, from what is known; `memo` keeps what is computed."""
    if name not in memo:
        operation, operands = nodes[name]
        values = [known[each] if each in known else evaluate(nodes, known, each, memo) for each in operands]
        with np.errstate(all="ignore"):
            memo[name] = OPERATIONS[operation](*values)
    return memo[name]


def evaluate_with(
    nodes: Nodes, known: Mapping[str, Array], name: str, memo: dict[str, Array], node: str, value: Array
) -> Array:
    """The same with a value in the place of a node below it (or of the node itself)."""
    if name == node:
        return value
    operation, operands = nodes[name]
    values = []
    for each in operands:
        if each == node:
            values.append(value)
        elif each in known:
            values.append(known[each])
        elif depends(nodes, each, node):
            values.append(evaluate_with(nodes, known, each, memo, node, value))
        else:
            values.append(evaluate(nodes, known, each, memo))
    with np.errstate(all="ignore"):
        return OPERATIONS[operation](*values)


def evaluate_throughout(
    nodes: Nodes, known: Mapping[str, Array], name: str, operation: str, function: Callable[[Array], Array]
) -> Array:
    """The value of a node with another function in the place of an operation, wherever that is below it."""
    its, operands = nodes[name]
    values = [
        known[each] if each in known else evaluate_throughout(nodes, known, each, operation, function)
        for each in operands
    ]
    with np.errstate(all="ignore"):
        return function(values[0]) if its == operation else OPERATIONS[its](*values)


def bounded(nodes: Nodes, known: Mapping[str, Array], name: str, fl: Arithmetic) -> Bounded:
    """The value of a node by its equation, and how far a correct program may be from the exact one."""
    with np.errstate(all="ignore"):
        return _bounded(nodes, known, name, fl, {})


def _bounded(
    nodes: Nodes, known: Mapping[str, Array], name: str, fl: Arithmetic, memo: dict[str, Bounded]
) -> Bounded:
    if name not in memo:
        operation, operands = nodes[name]

        def of(each: str) -> Bounded:
            return Bounded.exact(known[each]) if each in known else _bounded(nodes, known, each, fl, memo)

        memo[name] = _rule(nodes, known, operation, operands, fl, of)
    return memo[name]


def _rule(
    nodes: Nodes,
    known: Mapping[str, Array],
    operation: str,
    operands: tuple[str, ...],
    fl: Arithmetic,
    of: Callable[[str], Bounded],
) -> Bounded:
    """The rule of rounding of an operation; a sum of products is one product of stacked matrices."""
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
