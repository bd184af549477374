"""Checks each equation of a step with the values that the program shows in its outputs and caches.

The operands of an equation are the values that the program shows, so that a wrong operand does not make the
equation wrong.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Leaves
from oracle.location.equations import Nodes, bounded_value, equations, evaluate
from oracle.location.facts import Feature
from oracle.network.cells import GATES
from oracle.problems.inputs import Inputs
from oracle.problems.limits import Limits
from oracle.witnesses.rounding import Arithmetic
from reference.contract import CONTRACTS, Array


@dataclass(frozen=True)
class Check:
    """The check of one equation, as arrays `(n, m, T_x)`.

    `shown`, `right` and `allowed` are the program's values, the right values, and the bounds on rounding. For
    each element, `decided` says that it is known to be right or wrong, `wrong` that it is wrong. `visible`
    says that the program shows its value: it does not show the inferred memory states of a layer.
    """

    shown: Array
    right: Array
    allowed: Array
    decided: Array
    wrong: Array
    visible: Array


@dataclass
class Observation:
    """One answer of a program, with the check of each equation.

    `known` has the arguments and the arrays that the program shows, by name. `memo` caches values of nodes,
    and `sampled_features` the features of some elements of each equation, with their flat indices.
    """

    inputs: Inputs
    sizes: Mapping[str, int]
    nodes: Nodes
    known: dict[str, Array]
    checks: dict[str, Check]
    memo: dict[str, Array] = field(default_factory=dict)
    sampled_features: dict[str, tuple[dict[Feature, Array], Array]] = field(default_factory=dict)

    def value(self, name: str, target: str) -> Array:
        """The shown value of a node; the computed value, if none is shown or the node is `target`."""
        if name in self.known and name != target:
            return self.known[name]
        return evaluate(self.nodes, self.known, name, self.memo)

    def with_node(self, target: str, node: str, value: Array) -> Array:
        """Compute `target` with another value of a node."""
        if target == node:
            return value
        self.value(target, target)  # fills the memo
        unchanged = {each: array for each, array in self.memo.items() if not self.nodes.depends(each, node)}
        return evaluate(self.nodes, {**self.known, node: value}, target, unchanged)

    @property
    def wrong(self) -> list[str]:
        """The names of the equations that do not hold for shown values, in order."""
        return [name for name, check in self.checks.items() if (check.wrong & check.visible).any()]


@dataclass(frozen=True)
class EquationCase:
    """One equation in one answer of the program; `target` is the node that the equation computes."""

    observation: Observation
    target: str

    @property
    def check(self) -> Check:
        """The check of the equation."""
        return self.observation.checks[self.target]

    @property
    def tolerance(self) -> Array:
        """How far a shown value may be from the value that a fitting replacement gives."""
        check = self.check
        u = Arithmetic(self.observation.inputs.dtype).u
        with np.errstate(all="ignore"):
            return np.asarray(8 * check.allowed + 256 * u * np.abs(check.shown))


def known_arrays(parameters: Mapping[str, Array], x: Array, a0: Array, c0: Array) -> dict[str, Array]:
    """The arguments of a call in float64, by name, with biases `(n, 1, 1)` and initial states `(n, m, 1)`."""
    arrays = {"x": x, **parameters, "a0": a0, "c0": c0}
    columns = {name: array[:, :, None] for name, array in arrays.items() if name[0] in "bac"}
    return {name: array.astype(np.float64) for name, array in (arrays | columns).items()}


def observe_function(function: str, inputs: Inputs, shown: Behaviour, limits: Limits) -> Observation | None:
    """Observe an answer of one of the four functions; `None` if the call raised or has other shapes."""
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
    kind = inputs.kind
    sizes = {name: size for name, size in inputs.sizes.items() if name != "T_x" or not contract.is_cell}
    only_first_step = kind == "lstm" and not contract.is_cell and "c" not in returned
    if only_first_step:  # if `c` is not returned, only the memory state before the first step is known
        T_x, inputs = min(T_x, 1), inputs.span(0, 1)
        returned = {name: array[:, :, :1] for name, array in returned.items()}
    cached = _cached(contract.cache, shown.caches, inputs, contract.is_cell, T_x) if limits.caches else {}
    nodes = equations(kind, not contract.is_cell)
    known = known_arrays(inputs.parameters, inputs.x[:, :, :T_x], inputs.a0, inputs.c0)
    if only_first_step:
        known["c of steps"] = known["c0"][:, :, :T_x]  # only the shape matters: the first step reads c0
    states = "ac" if kind == "lstm" and "c" in returned else "a"
    choice = _ArrayChoice(known, nodes, Arithmetic(inputs.dtype))
    alternatives = _alternatives(choice, returned, cached, contract.is_cell)
    unclear = choice.choose(alternatives, not contract.is_cell)
    observation = Observation(inputs, sizes, nodes, known, {})
    showing = {f"cached {name}": array for name, array in cached.items()}
    showing |= {f"returned {name}": array for name, array in returned.items() if name in states}
    if "y" in returned:
        known["yt_pred"] = returned["y"]
    names = ["xt", *(f"{s}_prev" for s in states)] if not contract.is_cell else []
    names += [*GATES.values()] if kind == "lstm" else []
    names += [*(f"{s}_next" for s in reversed(states)), "yt_pred", *(n for n in nodes if n in showing)]
    for name in names:
        source = nodes[name][1][0] if name in showing else name
        if source in known and source not in unclear:
            observation.checks[name] = check_equation(observation, name, showing.get(name, known[source]))
    return observation


def check_equation(
    observation: Observation, name: str, shown: Array, within: Array | bool = True, slack: Array | float = 1.0
) -> Check:
    """Check an equation where `within` is true, with a bound that is `slack` times its rounding bound."""
    operation, (operand, *_) = observation.nodes[name]
    if operation == "same":  # a copy has no rounding error
        right = observation.known[operand]
        return _compare(shown, right, np.zeros_like(right), within)
    b = bounded_value(observation.nodes, observation.known, name, Arithmetic(observation.inputs.dtype))
    return _compare(shown, b.value, b.error * slack, within)


def _compare(shown: Array, right: Array, allowed: Array, within: Array | bool = True) -> Check:
    """Compare shown values with right values. Infinities, NaN and infinite bounds are not decided."""
    with np.errstate(all="ignore"):
        decided = np.isfinite(right) & np.isfinite(allowed) & within
        wrong = decided & ~(np.abs(shown - right) <= 2 * allowed)
    return Check(shown, right, allowed, decided, wrong, decided)


def _cached(
    entries: Mapping[str, object], caches: Leaves, inputs: Inputs, is_cell: bool, T_x: int
) -> dict[str, Array]:
    """The cached arrays over time, `(n, m, T_x)`, by name; arrays of a wrong shape are left out."""
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


def _alternatives(
    choice: "_ArrayChoice", returned: Mapping[str, Array], cached: Mapping[str, Array], is_cell: bool
) -> dict[str, list[Array]]:
    """For each operand and result of the steps, the distinct arrays that the program shows."""
    every: dict[str, list[Array | None]] = {name: [cached[name]] for name in GATES.values() if name in cached}
    every["xt"] = [None if is_cell else cached.get("xt"), choice.known["x"]]
    for s in (s for s in "ac" if s in returned):
        every[f"{s} of steps"] = [returned[s]]
        every[f"{s}_next"] = [cached.get(f"{s}_next"), returned[s]]
        if is_cell:
            every[f"{s}_prev"] = [choice.known[f"{s}0"]]
        else:
            chain = evaluate(choice.nodes, choice.known | {f"{s} of steps": returned[s]}, f"{s}_prev", {})
            every[f"{s}_prev"] = [cached.get(f"{s}_prev"), chain]
    return {name: _distinct(arrays) for name, arrays in every.items()}


def _distinct(arrays: Iterable[Array | None]) -> list[Array]:
    distinct: list[Array] = []
    for array in arrays:
        if array is not None and not any(np.array_equal(array, each, equal_nan=True) for each in distinct):
            distinct.append(array)
    return distinct


@dataclass
class _ArrayChoice:
    """Chooses the known arrays of an answer if the program shows several arrays for the same node."""

    known: dict[str, Array]
    nodes: Nodes
    fl: Arithmetic

    def choose(self, every: dict[str, list[Array]], is_sequence: bool) -> set[str]:
        """Choose an array for each name, and return the names for which another array is equally good."""
        states = [s for s in "ca" if f"{s}_next" in every]
        self.known |= {name: arrays[0] for name, arrays in every.items() if " " not in name}
        gates = [name for name in GATES.values() if name in self.known]
        first = gates or [f"{s}_next" for s in states]
        unclear = self._choose(every, ["a_prev", "xt", *(() if gates else first)], first)
        if gates and "c" in states:
            unclear |= self._choose_gates(gates)
            unclear |= self._choose(every, ["c_next", "c_prev"], ["c_next"])
            unclear |= self._choose(every, ["a_next"], ["a_next"])
        for s in states if is_sequence else ():
            name = f"{s} of steps"
            chains = _distinct([self.known[f"{s}_next"], *every[name]])
            self.known[name] = chains[0]
            self._choose({name: chains}, [name], [f"{s}_prev"])
        return unclear

    def _choose(self, every: Mapping[str, list[Array]], names: list[str], targets: list[str]) -> set[str]:
        """Add the array for each name with which the fewest elements of the `targets` are wrong.

        Returns the names for which another array is equally good.
        """
        names = [name for name in names if len(every.get(name, ())) > 1]
        if not names:
            return set()
        choices = [dict(zip(names, arrays, strict=True)) for arrays in product(*(every[n] for n in names))]
        counts = [sum(self._count(target, self.known | each) for target in targets) for each in choices]
        best, *others = [each for each, count in zip(choices, counts, strict=True) if count == min(counts)]
        self.known |= best
        return {name for name in names for each in others if each[name] is not best[name]}

    def _count(self, target: str, known: Mapping[str, Array]) -> int:
        """The number of wrong elements of an equation."""
        b = bounded_value(self.nodes, known, target, self.fl)
        return int(_compare(known[target], b.value, b.error).wrong.sum())

    def _choose_gates(self, gates: list[str]) -> set[str]:
        """Replace each wrong gate by the computed gate if fewer elements of the states are wrong with it.

        Returns the wrong gates for which the states are right both with the shown and with the computed gate.
        """
        unclear = set()
        for name in gates:
            if self._count(name, self.known):
                other = self.known | {name: bounded_value(self.nodes, self.known, name, self.fl).value}
                target = "a_next" if name == "ot" else "c_next"
                if target in other:
                    ours, theirs = self._count(target, self.known), self._count(target, other)
                    if theirs < ours:
                        self.known[name] = other[name]
                    elif not theirs:
                        unclear.add(name)
        return unclear
