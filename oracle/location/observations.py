"""What an answer shows of a step: each equation held to the values that the program itself shows.

An operand is what the program shows of it, so an error is not blamed on what only passes it on. Functions and
layers give the same `Observation`; what a layer does not show is left out of what is `told`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Leaves
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.equations import GATES, Nodes, bounded, equations, evaluate, evaluate_with
from oracle.location.facts import Feature
from oracle.rounding import Arithmetic
from reference.contract import CONTRACTS, Array


@dataclass(frozen=True)
class Held:
    """An equation on the values shown: `(n, m, T_x)` each, and where it is `told` whether it holds.

    Where it is not `seen` it is only known to be wrong, and not what is shown instead.
    """

    shown: Array
    right: Array
    allowed: Array
    told: Array
    wrong: Array
    seen: Array

    @classmethod
    def of(cls, shown: Array, right: Array, allowed: Array) -> "Held":
        """All elements are told where the right value is a finite number, or what is shown is so, too."""
        with np.errstate(all="ignore"):
            told = np.isfinite(right) & np.isfinite(allowed)
            wrong = told & ~(np.abs(shown - right) <= 2 * allowed)
        return cls(shown, right, allowed, told, wrong, told)


@dataclass
class Observation:
    """One answer: `known` are the arrays that were given or are shown, `held` the equations, in order.

    `sure` is where what a step begins with is shown, if it is not so everywhere.
    """

    inputs: Inputs
    sizes: Mapping[str, int]
    nodes: Nodes
    known: dict[str, Array]
    held: dict[str, Held]
    sure: Array | None = None
    memo: dict[str, Array] = field(default_factory=dict)
    blocks: dict[str, tuple[list[Feature], Array, Array]] = field(default_factory=dict)

    def value(self, name: str, target: str) -> Array:
        """The value of an array or a node as the `target` has it: shown, or else computed."""
        known = self.known.get(name)
        return (
            known
            if known is not None and name != target
            else evaluate(self.nodes, self.known, name, self.memo)
        )

    def with_node(self, target: str, node: str, value: Array) -> Array:
        """What the equation of `target` gives with a value in the place of a node."""
        return evaluate_with(self.nodes, self.known, target, self.memo, node, value)

    @property
    def wrong(self) -> list[str]:
        """The equations that do not hold, in order."""
        return [name for name, held in self.held.items() if (held.wrong & held.seen).any()]


@dataclass(frozen=True)
class Case:
    """An answer, with an equation that does not hold of it."""

    observation: Observation
    target: str

    @property
    def tolerance(self) -> Array:
        """How far what a form gives may be from what is shown."""
        held = self.observation.held[self.target]
        u = Arithmetic(self.observation.inputs.dtype).u
        with np.errstate(all="ignore"):
            return np.asarray(8 * held.allowed + 256 * u * np.abs(held.shown))


def parameters_of(parameters: Mapping[str, Array]) -> dict[str, Array]:
    """The parameters by the names that the equations have for them, in float64."""
    named: dict[str, Array] = {}
    for name, array in parameters.items():
        wide = array.astype(np.float64)
        named[name] = wide[:, :, None] if name[0] == "b" else wide
    return named


def observed(function: str, inputs: Inputs, shown: Behaviour, limits: Limits) -> Observation | None:
    """What an answer of one of the four functions shows; `None` where it raised, or has another form."""
    contract, outputs = CONTRACTS[function], shown.outputs
    m, T_x = inputs.x.shape[1], 1 if contract.is_cell else inputs.x.shape[2]
    returned: dict[str, Array] = {}
    for k, (name, symbols) in enumerate(contract.outputs.items()):
        rows = len(inputs.parameters["by"]) if "n_y" in symbols else len(inputs.a0)
        array = outputs.get(f".{k}")
        if isinstance(array, str) or (array is None and (limits.head or name[0] != "y")):
            return None
        if array is None or array.size != rows * m * T_x or len(array) != rows:
            if array is None or (not limits.caches and name == "c"):
                continue
            return None
        returned[name[0]] = array.astype(np.float64).reshape(rows, m, T_x)
    cached = _cached(contract.cache, shown.caches, inputs, contract.is_cell, T_x) if limits.caches else {}
    kind = inputs.kind
    nodes = equations(kind, not contract.is_cell)
    known = parameters_of(inputs.parameters)
    known |= {"x": inputs.x[:, :, :T_x], "a0": inputs.a0[:, :, None], "c0": inputs.c0[:, :, None]}
    known = {name: array.astype(np.float64) for name, array in known.items()}
    states = "ac" if kind == "lstm" and "c" in returned else "a"
    unclear = _believe(known, nodes, returned, cached, states, contract.is_cell, Arithmetic(inputs.dtype))
    sizes = {name: size for name, size in inputs.sizes.items() if name != "T_x" or not contract.is_cell}
    observation = Observation(inputs, sizes, nodes, known, {})
    showing = {f"cached {name}": array for name, array in cached.items()}
    showing |= {f"returned {name}": array for name, array in returned.items() if name in states}
    if "y" in returned:
        known["yt_pred"] = returned["y"]
    names = ["xt", *(f"{s}_prev" for s in states)] if not contract.is_cell else []
    names += [*GATES.values()] if kind == "lstm" else []
    names += [*(f"{s}_next" for s in reversed(states)), "yt_pred"]
    for name in names:
        if name in known and name not in unclear:
            observation.held[name] = held(observation, name, known[name])
    for name in (n for n in nodes if n in showing):
        if nodes[name][1][0] in known and nodes[name][1][0] not in unclear:
            observation.held[name] = held(observation, name, showing[name])
    return observation


def held(observation: Observation, name: str, shown: Array) -> Held:
    """An equation, with a bound for that one alone."""
    fl = Arithmetic(observation.inputs.dtype)
    operation, (operand, *_) = observation.nodes[name]
    if operation == "same":  # exact, and quick
        right = observation.known[operand]
        return Held.of(shown, right, np.zeros_like(right))
    b = bounded(observation.nodes, observation.known, name, fl)
    return Held.of(shown, b.value, b.error)


def _cached(
    entries: Mapping[str, object], caches: Leaves, inputs: Inputs, is_cell: bool, T_x: int
) -> dict[str, Array]:
    """The arrays of all caches, by name, over time; without those that are not there or of another shape."""
    prefixes = [".0"] if is_cell else [f".0.0.{t}" for t in range(T_x)]
    m, n_a = inputs.x.shape[1], len(inputs.a0)
    found = {}
    for k, name in enumerate(entries):
        arrays = [caches.get(f"{prefix}.{k}") for prefix in prefixes]
        shape = (len(inputs.x) if name == "xt" else n_a, m)
        fitting = [each for each in arrays if isinstance(each, np.ndarray) and each.shape == shape]
        if fitting and len(fitting) == len(arrays):
            found[name] = np.stack(fitting, axis=2).astype(np.float64)
    return found


def _believe(
    known: dict[str, Array],
    nodes: Nodes,
    returned: Mapping[str, Array],
    cached: Mapping[str, Array],
    states: str,
    is_cell: bool,
    fl: Arithmetic,
) -> set[str]:
    """Add what a step was made with and has made, where it is shown in several places.

    Those are believed with which the fewest elements are wrong. Returns the names of those for which several
    are as good.
    """
    unclear: set[str] = set()
    every: dict[str, list[Array]] = {}
    if is_cell:
        every["xt"] = [known["x"]]
        for s in states:
            every[f"{s}_prev"] = [known[f"{s}0"]]
    else:
        every["xt"] = [*_of(cached, "xt"), known["x"]]
        for s in states:
            chain = evaluate(nodes, known | {f"{s} of steps": returned[s]}, f"{s}_prev", {})
            every[f"{s}_prev"] = [*_of(cached, f"{s}_prev"), chain]
    for s in states:
        every[f"{s}_next"] = [*_of(cached, f"{s}_next"), returned[s]]
    for name in GATES.values():
        if name in cached:
            every[name] = [cached[name]]
    every = {name: _different(arrays) for name, arrays in every.items()}
    known |= {name: arrays[0] for name, arrays in every.items()}
    gates = [name for name in GATES.values() if name in known]
    first = gates or [f"{s}_next" for s in reversed(states)]
    unclear |= _choose(
        known, nodes, every, ["a_prev", "xt", *(() if gates else [f"{s}_next" for s in states])], first, fl
    )
    if gates and "c" in states:
        _choose_gates(known, nodes, gates, fl)
        unclear |= _choose(known, nodes, every, ["c_next", "c_prev"], ["c_next"], fl)
        unclear |= _choose(known, nodes, every, ["a_next"], ["a_next"], fl)
    if not is_cell:
        for s in states:
            chains = _different([known[f"{s}_next"], returned[s]])
            known[f"{s} of steps"] = chains[0]
            if len(chains) > 1:
                _choose(known, nodes, {f"{s} of steps": chains}, [f"{s} of steps"], [f"{s}_prev"], fl)
    return unclear


def _of(arrays: Mapping[str, Array], name: str) -> Iterator[Array]:
    if name in arrays:
        yield arrays[name]


def _different(arrays: list[Array]) -> list[Array]:
    found: list[Array] = []
    for array in arrays:
        if not any(np.array_equal(array, each, equal_nan=True) for each in found):
            found.append(array)
    return found


def _choose(
    known: dict[str, Array],
    nodes: Nodes,
    every: Mapping[str, list[Array]],
    names: list[str],
    targets: list[str],
    fl: Arithmetic,
) -> set[str]:
    """Set the arrays of some names to those with which the fewest elements of the targets are wrong.

    Returns the names of which another array is as good.
    """
    names = [name for name in names if len(every.get(name, ())) > 1]
    if not names:
        return set()
    tried = []
    for arrays in product(*(every[name] for name in names)):
        chosen = known | dict(zip(names, arrays, strict=True))
        count = sum(_count(nodes, chosen, target, fl) for target in targets)
        tried.append((count, dict(zip(names, arrays, strict=True))))
    least = min(count for count, _ in tried)
    best, *others = [arrays for count, arrays in tried if count == least]
    known |= best
    return {name for name in names for each in others if each[name] is not best[name]}


def _count(nodes: Nodes, known: Mapping[str, Array], target: str, fl: Arithmetic) -> int:
    b = bounded(nodes, known, target, fl)
    return int(Held.of(known[target], b.value, b.error).wrong.sum())


def _choose_gates(known: dict[str, Array], nodes: Nodes, gates: list[str], fl: Arithmetic) -> None:
    """Take a gate for right, and its cache for wrong, where that makes the next states right."""
    for name in gates:
        right = bounded(nodes, known, name, fl)
        if not Held.of(known[name], right.value, right.error).wrong.any():
            continue
        target = "a_next" if name == "ot" else "c_next"
        other = known | {name: right.value}
        if target in known and _count(nodes, other, target, fl) < _count(nodes, known, target, fl):
            known[name] = right.value
