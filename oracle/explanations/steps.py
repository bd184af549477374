"""All steps of an answer, each judged on the state that the program gave for the step before.

The program shows its states, its predictions and, in caches, its gates. A result is wrong if it does not
follow from the results that the program shows before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Behaviour, Program, same_leaf
from oracle.explanations.quantities import Quantities, quantities_of
from oracle.network.cells import GATES
from oracle.problems.inputs import Inputs, LayerInputs, states_before
from oracle.problems.limits import Limits
from oracle.witnesses import propagation
from oracle.witnesses.rounding import Bounded
from reference.contract import CONTRACTS, Array, Contract
from reference.networks import NETWORKS

RESULTS = (*GATES.values(), "c_next", "a_next", "a_out", "yt_pred")
"""The results of a step, in the order in which they are computed; `a_out` is projected."""

SAME_STATES = 1000
"""States are those of a longer sequence if they differ by less than this factor times the usual tolerance."""


class OtherStatesError(Exception):
    """The hidden states of a shorter sequence are not those of the whole one, which would show its memory."""


@dataclass(frozen=True)
class Place:
    """The quantities of some `steps` of a call, each array `(n, m len(steps))` with the samples first.

    `known` has the arguments of these steps and the parameters. `sizes` are those of the call, and `bits` the
    width of its dtype. `over_time(name)` has a quantity at all steps up to the last of `steps`, `(n, m, …)`.
    """

    quantities: Quantities
    known: Mapping[str, Array]
    sizes: Mapping[str, int]
    bits: int
    steps: Sequence[int]
    over_time: Callable[[str], Array]

    def look(self, name: str) -> Array:
        """The value of a quantity."""
        return self.quantities.value(name, self.known)

    def changed(self, target: str, changes: Mapping[str, Array]) -> Array:
        """The value of `target` after other quantities are changed."""
        if target in changes:
            return changes[target]
        known = {name: array for name, array in self.known.items() if name != target}
        return self.quantities.value(target, {**known, **changes})

    @property
    def step(self) -> Array:
        """The number of the step in each column."""
        return np.tile(self.steps, self.sizes["m"])[None]

    @property
    def sample(self) -> Array:
        """The number of the sample in each column."""
        return np.repeat(np.arange(self.sizes["m"]), len(self.steps))[None]

    def along(self, axis: str, target: str) -> tuple[Array, int]:
        """The index of each element of `target` along an axis (unit, sample, step), and its length."""
        if axis == "unit":
            rows = len(self.look(target))
            return np.arange(rows)[:, None], rows
        return (self.step, self.sizes["T_x"]) if axis == "step" else (self.sample, self.sizes["m"])

    def at_step(self, name: str, index: int) -> Array:
        """A quantity of the first or the last step, at every step; of the last step, only xt is known."""
        if index and name != "xt":
            raise KeyError(name)
        return _columns(self.over_time(name)[:, :, [index]].repeat(len(self.steps), axis=2))

    def earlier(self, name: str, by: int, *, at_least_first: bool) -> Array:
        """A quantity `by` steps before; before the first step, 0 or the value of the first step."""
        values, indices = self.over_time(name), np.asarray(self.steps) - by
        taken = values[:, :, np.maximum(indices, 0)]
        if not at_least_first:
            taken = np.where(indices < 0, 0, taken)
        return _columns(taken)


def of_sizes(sizes: Mapping[str, int], dtype: np.dtype[Any]) -> Place:
    """A place without steps: whole problems of these sizes."""
    return Place(quantities_of("rnn"), {}, sizes, 8 * dtype.itemsize, (), lambda name: np.zeros((0, 0, 0)))


@dataclass(frozen=True)
class Steps:
    """All steps of one answer. For each result that the program shows: its values, and the right values.

    A right value is computed from the results that are shown before it. `allowed` is the largest rounding
    error. `cached` has the cached arguments. All arrays are `(n, m T_x)`.
    """

    inputs: Inputs
    answer: Behaviour
    place: Place
    shown: Mapping[str, Array]
    allowed: Mapping[str, Array]
    cached: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def right(self) -> Mapping[str, Array]:
        """The right value of each shown result."""
        with np.errstate(all="ignore"):
            return {name: self.place_of(name).look(name) for name in self.shown}

    def place_of(self, target: str) -> Place:
        """The quantities that are known when `target` is computed: the results shown before it are known."""
        before = RESULTS[: RESULTS.index(target)]
        shown = {name: array for name, array in self.shown.items() if name in before}
        return replace(self.place, known={**self.place.known, **shown})

    def wrong(self, target: str) -> Array:
        """Whether each element of a result is wrong. Infinite and NaN values are left out."""
        right, allowed = self.right[target], self.allowed[target]
        with np.errstate(all="ignore"):
            decided = np.isfinite(right) & np.isfinite(allowed)
            return np.asarray(decided & ~(np.abs(self.shown[target] - right) <= 4 * allowed))

    def is_wrong(self, target: str) -> bool:
        """Whether any element of a result is wrong; false for results that are not shown."""
        return target in self.shown and bool(self.wrong(target).any())

    def tolerance(self, target: str) -> Array:
        """How far a shown value may be from the value that a claim predicts."""
        u = np.finfo(self.inputs.dtype).eps / 2
        with np.errstate(all="ignore"):
            return np.asarray(8 * self.allowed[target] + 256 * u * np.abs(self.shown[target]))

    def wrong_arguments(self, target: str) -> list[str]:
        """The cached arguments that are wrong, if `target` follows from what is cached."""
        place = self.place_of(target)
        with np.errstate(all="ignore"):
            again = replace(place, known={**place.known, **self.cached}).look(target)
            near = np.abs(again - self.shown[target]) <= self.tolerance(target)
        if not (near | (np.isnan(again) & np.isnan(self.shown[target]))).all():
            return []
        return [name for name, array in self.cached.items() if not same_leaf(array, place.known[name])]

    @property
    def first_wrong(self) -> str:
        """The first wrong result; empty if all are right."""
        return next(filter(self.is_wrong, RESULTS), "")


def observe(function: str, inputs: Inputs, program: Program, limits: Limits) -> Steps | None:
    """Call one of the four functions. `None` if the call raises, or returns other shapes."""
    contract, answer = CONTRACTS[function], program(inputs)
    n_a, (_, m, T_x) = len(inputs.a0), inputs.x.shape
    if contract.is_cell:
        T_x = min(T_x, 1)
    states: dict[str, Array] = {}
    for k, name in enumerate(contract.outputs):
        array = answer.outputs.get(f".{k}")
        rows = len(inputs.parameters["by"]) if name[0] == "y" else n_a
        if not isinstance(array, np.ndarray) or array.shape[:2] != (rows, m):
            if name[0] == "y" and not limits.head:
                continue
            return None
        states[name[0]] = array.astype(np.float64).reshape(*array.shape[:2], *array.shape[2:] or (1,))
    if any(array.shape[2] != T_x for array in states.values()):
        if "c" not in states or states["c"].shape[2] != 1 or states["a"].shape[2] != T_x:
            return None
        T_x = min(T_x, 1)  # the memory states are hidden: only the state before the first step is known
        states = {name: array[:, :, :1] for name, array in states.items() if name != "c"}
    called, inputs = inputs, inputs.span(0, T_x)
    hidden = np.zeros((len(inputs.c0), m, T_x))
    batch = inputs.steps(states["a"], states.get("c", hidden))
    shown = {_RESULT[name]: _columns(array) for name, array in states.items()}
    cached = cached_arrays(contract, answer, m, T_x) if limits.caches else {}
    gates = {name: array for name, array in cached.items() if name in GATES.values() and len(array) == n_a}
    bounds = propagation.evaluate(batch)
    sizes = {name: called.sizes[name] for name in contract.sizes}
    p = {"Wy" if name == "Wya" else name: array for name, array in inputs.parameters.items()}
    place = _place(quantities_of(inputs.kind), p, batch.x[:, :, 0], batch.a0, batch.c0, sizes, inputs)
    allowed = {_RESULT.get(name, name): bounded.error[:, :, 0] for name, bounded in bounds.items()}
    arguments = {name: array for name, array in cached.items() if name in place.known}
    steps = Steps(called, answer, place, {**gates, **shown}, allowed, arguments)
    unused = [name for name in gates if not _is_used(steps, name)]
    return replace(steps, shown={name: array for name, array in steps.shown.items() if name not in unused})


_RESULT = {"a": "a_next", "c": "c_next", "y": "yt_pred"}


def _place(
    quantities: Quantities,
    parameters: Mapping[str, Array],
    xt: Array,
    a_prev: Array,
    c_prev: Array,
    sizes: Mapping[str, int],
    inputs: Inputs,
) -> Place:
    arguments = {"xt": xt, "a_prev": a_prev, "c_prev": c_prev}
    known = {name: array.astype(np.float64) for name, array in {**parameters, **arguments}.items()}
    m = sizes["m"]
    steps = xt.shape[1] // max(m, 1)  # fewer than T_x if only the first step is observed

    def over_time(name: str) -> Array:
        value = quantities.value(name, known)
        return value.reshape(len(value), m, steps)

    return Place(quantities, known, sizes, 8 * inputs.dtype.itemsize, range(steps), over_time)


def cached_arrays(contract: Contract, answer: Behaviour, m: int, T_x: int) -> dict[str, Array]:
    """The entries of the caches over time, each `(n, m T_x)`, if they have m columns at every step."""
    prefixes = [".0"] if contract.is_cell else [f".0.0.{t}" for t in range(T_x)]
    found = {}
    for k, name in enumerate(contract.cache):
        arrays = [answer.caches.get(f"{prefix}.{k}") for prefix in prefixes]
        fitting = [each for each in arrays if isinstance(each, np.ndarray) and each.shape[1:] == (m,)]
        if T_x and len(fitting) == T_x and len({len(each) for each in fitting}) == 1:
            found[name] = _columns(np.stack(fitting, axis=2).astype(np.float64))
    return found


def _is_used(steps: Steps, gate: str) -> bool:
    """Whether the program computes its states with the gate that it caches, which may be a copy."""
    if not steps.wrong(gate).any():
        return True
    result = "a_next" if gate == "ot" else "c_next"
    if result not in steps.shown:
        return False
    without = replace(steps, shown={name: array for name, array in steps.shown.items() if name != gate})
    return int(steps.wrong(result).sum()) < int(without.wrong(result).sum())


def observe_layer(network: LayerInputs, program: Program, *, backward: bool = False) -> Steps | None:
    """Call layers without lengths, and observe one direction of the top layer.

    `None` if a call raises or returns other shapes, or if the layers do not return what is needed. Layers
    return only their last memory state: shorter sequences show the others, if there is only one layer. Raises
    `OtherStatesError` if a shorter sequence has other hidden states.
    """
    D, T_x = network.directions, network.x.shape[2]
    lower, n_h = len(network.parameters) - D, network.a0.shape[1]
    index, x, answer = lower + backward, network.x, program(network)
    found = returned_arrays(answer, network)
    if found is None or (lower and T_x > 1 and NETWORKS[network.kind].has_memory):
        return None
    if lower:
        beneath = replace(
            network,
            parameters=network.parameters[:lower],
            a0=network.a0[:lower],
            c0=network.c0[:lower],
        )
        below = returned_arrays(program(beneath), beneath)
        if below is None:
            return None
        x = below["a"]
    order = slice(None, None, -1) if backward else slice(None)
    a, x = found["a"][backward * n_h :][:n_h, :, order], x[:, :, order]
    c = np.zeros((network.c0.shape[1], x.shape[1], T_x))
    if NETWORKS[network.kind].has_memory:
        for t in range(T_x):
            part = network.x[:, :, T_x - 1 - t :] if backward else network.x[:, :, : t + 1]
            shorter = found if t == T_x - 1 else returned_arrays(program(replace(network, x=part)), network)
            if shorter is None:
                return None
            if not same_leaf(shorter["a"][backward * n_h :][:n_h, :, order], a[:, :, : t + 1], SAME_STATES):
                raise OtherStatesError
            c[:, :, t] = shorter["c_last"][index]
    p, a0, c0 = network.parameters[index], network.a0[index], network.c0[index]
    before = [_columns(states_before(*each)) for each in ((a0, a), (c0, c))]
    one = replace(network, x=x, parameters=[p], directions=1, lengths=None)
    batch = one.single_steps(*(each[None] for each in before))
    bounds = propagation.evaluate(batch)
    is_projected = "Wp" in p
    names = {"a": "a_out" if is_projected else "a_next", "c_last": "c_next"}
    shown = {names["a"]: _columns(a)}
    if NETWORKS[network.kind].has_memory:
        shown["c_next"] = _columns(c)
    sizes = {name: network.sizes[name] for name in ("n_x", "n_a", "m", "T_x") if name != "n_x" or not lower}
    graph = quantities_of(network.kind, activation=network.activation, projected=is_projected)
    a_prev, c_prev = before
    place = _place(graph, p, batch.x[:, :, 0], a_prev, c_prev, sizes, network)
    allowed = {names[name]: _error(bounds[name]) for name in names if name in bounds}
    return Steps(network, answer, place, shown, allowed)


def _columns(array: Array) -> Array:
    """An array `(n, m, T)` as `(n, m T)`."""
    return array.reshape(len(array), prod(array.shape[1:]))


def _error(bounded: Bounded) -> Array:
    return np.asarray(bounded.error[:, :, 0])


def returned_arrays(shown: Behaviour, network: LayerInputs) -> dict[str, Array] | None:
    """The returned arrays in float64, by name; `None` if the call raised or returned other shapes."""
    n_h, m = network.a0.shape[1:]
    shapes: dict[str, Any] = {"a": (network.directions * n_h, m), "a_last": network.a0.shape}
    if NETWORKS[network.kind].has_memory:
        shapes["c_last"] = network.c0.shape
    found = {}
    for k, (name, shape) in enumerate(shapes.items()):
        array = shown.outputs.get(f".{k}")
        if not isinstance(array, np.ndarray) or array.shape[: len(shape)] != shape:
            return None
        found[name] = array.astype(np.float64)
    return found
