"""Observes the steps of a program on problems, in each kind of network, within a budget of calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Behaviour, Program, cache_paths, same_leaf
from oracle.explanations.quantities import Quantities, quantities_of
from oracle.explanations.steps import Place, Steps, columns
from oracle.network.equations import CELLS, GATES
from oracle.problems.inputs import Inputs, LayerInputs, states_before
from oracle.problems.limits import Limits
from oracle.problems.problem import LayerProblem, Problem
from oracle.witnesses.bounds import bounds_on
from reference.contract import CONTRACTS, NETWORKS, Array, Contract, kind_in

MOST_STEPS = 40
"""The most steps of an LSTM layer that is observed, since each step needs a call."""
SAME_STATES = 1000
"""States are those of a longer sequence if they differ by less than this factor times the usual tolerance."""


class OtherStatesError(Exception):
    """A shorter sequence has other hidden states than the whole one, so its memory states are others, too."""


class BudgetSpentError(Exception):
    """No call is left."""


@dataclass
class Budget:
    """A program that can be called `left` more times."""

    program: Program
    left: int

    def __call__(self, inputs: Inputs, then: Inputs | None = None) -> Behaviour:
        """Call the program; raises `BudgetSpentError` if the budget is spent."""
        if not self.left:
            raise BudgetSpentError
        self.left -= 1
        return self.program(inputs, then)


@dataclass(frozen=True)
class Setting:
    """A kind of network, of which one direction of the top layer is observed.

    A claim has its `name`, such as `backward above`, or `both` if the mistake is in both directions.
    """

    name: str = ""
    layers: int = 1
    directions: int = 1
    is_backward: bool = False
    both: str = ""

    def inputs(self, function: str, *, n_a: int, T_x: int, **fields: Any) -> LayerInputs:
        """Draw a network of this kind."""
        options: Mapping[str, Any] = {"layers": self.layers, "directions": self.directions}
        if self.name == "relu":
            options = {**options, "activation": "relu"}
        elif self.name.startswith("projected"):
            options = {**options, "n_p": n_a if self.name == "projected to n_a" else max(n_a - 1, 1)}
        if NETWORKS[kind_in(function)].has_memory:
            # Memory states but the last are seen in shorter sequences, and only in one layer alone.
            T_x = 1 if self.layers > 1 else min(T_x, MOST_STEPS)
        network = Problem.of(function, n_a=n_a, T_x=T_x, **options, **fields).inputs(function)
        assert isinstance(network, LayerInputs)
        return network


def settings_of(shown: LayerProblem, limits: Limits) -> Sequence[Setting]:
    """The settings that the layers of a problem have, and simpler ones, the simplest first."""
    has_two, has_more = shown.directions == 2, shown.layers > 1
    every = [
        (limits.one_direction, Setting()),
        (limits.one_direction and shown.activation == "relu", Setting("relu")),
        (limits.one_direction and shown.n_p and limits.projection is True, Setting("projected to n_a")),
        (limits.one_direction and shown.n_p, Setting("projected")),
        (has_two, Setting("forward of two", directions=2, both="of two")),
        (has_two, Setting("backward", directions=2, is_backward=True)),
        (has_more and limits.one_direction, Setting("above", layers=2)),
        (has_more and has_two, Setting("forward of two above", layers=2, directions=2, both="of two above")),
        (has_more and has_two, Setting("backward above", layers=2, directions=2, is_backward=True)),
    ]
    return [setting for is_included, setting in every if is_included]


@dataclass
class Observer:
    """Calls a function on problems that it draws, in layers in a `setting`, and collects their steps."""

    function: str
    program: Budget
    limits: Limits
    setting: Setting | None = None

    @property
    def can_call(self) -> bool:
        """Whether the budget is not spent."""
        return self.program.left > 0

    def draw(self, **fields: Any) -> Inputs:
        """Draw the inputs of a problem from its sizes, seed, regime and dtype."""
        if self.setting:
            return self.setting.inputs(self.function, **fields)
        return Problem.of(self.function, **fields).inputs(self.function)

    def observe(self, every: Iterable[Inputs]) -> Iterator[Steps]:
        """The steps of each answer, until the budget is spent; answers of another form are left out."""
        for inputs in every:
            try:
                if self.setting and isinstance(inputs, LayerInputs):
                    if not self.limits.initial_state:
                        inputs = replace(inputs, a0=0 * inputs.a0, c0=0 * inputs.c0)
                    found = observe_layer(inputs, self.program, backward=self.setting.is_backward)
                else:
                    found = observe(self.function, inputs, self.program, self.limits)
            except BudgetSpentError:
                return
            if found:
                yield found


def observe(function: str, inputs: Inputs, program: Program, limits: Limits) -> Steps | None:
    """Call one of the four functions. `None` if the call raises, or returns other shapes."""
    contract, answer = CONTRACTS[function], program(inputs)
    n_a, (_, m, T_x) = len(inputs.a0), inputs.x.shape
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
    shown = {_RESULT[name]: columns(array) for name, array in states.items()}
    cached = cached_arrays(contract, answer, m, T_x) if limits.caches else {}
    gates = {name: array for name, array in cached.items() if name in GATES.values() and len(array) == n_a}
    bounds = bounds_on(batch)
    sizes = {name: called.sizes[name] for name in contract.sizes}
    place = _place(quantities_of(inputs.kind), batch, sizes)
    allowed = {_RESULT.get(name, name): bounded.error[:, :, 0] for name, bounded in bounds.items()}
    steps = Steps(called, answer, place, {**gates, **shown}, allowed, cached)
    return steps.without(*(name for name in gates if not _is_used(steps, name)))


_RESULT = {"a": "a_next", "c": "c_next", "y": "yt_pred"}


def _place(quantities: Quantities, batch: Inputs, sizes: Mapping[str, int]) -> Place:
    """The quantities in a batch of single steps of a cell, or of one direction of a layer."""
    p = batch.parameters[0] if isinstance(batch, LayerInputs) else batch.parameters
    given = {"Wy" if name == "Wya" else name: array for name, array in p.items()}
    given |= {"xt": batch.x[:, :, 0], "a_prev": batch.a0, "c_prev": batch.c0}
    known = {name: array.reshape(array.shape[-2:]).astype(np.float64) for name, array in given.items()}
    m = sizes["m"]
    steps = batch.x.shape[1] // max(m, 1)  # fewer than T_x if only the first step is observed

    def over_time(name: str) -> Array:
        value = quantities.value(name, known)
        return value.reshape(len(value), m, steps)

    return Place(quantities, known, sizes, 8 * batch.dtype.itemsize, range(steps), over_time)


def cached_arrays(contract: Contract, answer: Behaviour, m: int, T_x: int) -> dict[str, Array]:
    """The entries of the caches over time, each `(n, m T_x)`, if they have m columns at every step."""
    found = {}
    for k, name in enumerate(contract.cache):
        arrays = [answer.caches.get(f"{path}.{k}") for path in cache_paths(contract, T_x)]
        fitting = [each for each in arrays if isinstance(each, np.ndarray) and each.shape[1:] == (m,)]
        if T_x and len(fitting) == T_x and len({len(each) for each in fitting}) == 1:
            found[name] = columns(np.stack(fitting, axis=2).astype(np.float64))
    return found


def _is_used(steps: Steps, gate: str) -> bool:
    """Whether the program computes its states with the gate that it caches; it may use another one."""
    if not steps.wrong(gate).any() or not np.isfinite(steps.shown[gate]).all():
        return True  # a state that is NaN cannot show from which gate
    cell = CELLS[steps.inputs.kind]
    result = next(name for name in ("c_next", "a_next") if name in cell and gate in cell[name].quantities)
    if result not in steps.shown:
        return False
    return int(steps.wrong(result).sum()) < int(steps.without(gate).wrong(result).sum())


def observe_layer(network: LayerInputs, program: Program, *, backward: bool = False) -> Steps | None:
    """Call layers without lengths, and observe one direction of the top layer.

    `None` if a call raises or returns other shapes, or if the layers do not return what is needed. Layers
    return only their last memory state: shorter sequences show the others, if there is only one layer. Raises
    `OtherStatesError` if a shorter sequence has other hidden states.
    """
    D, T_x, has_memory = network.directions, network.x.shape[2], NETWORKS[network.kind].has_memory
    lower_count, n_h = len(network.parameters) - D, network.a0.shape[1]
    index, x, answer = lower_count + backward, network.x, program(network)
    found = returned_arrays(answer, network)
    if found is None or (lower_count and T_x > 1 and has_memory):
        return None
    if lower_count:
        lower = replace(
            network,
            parameters=network.parameters[:lower_count],
            a0=network.a0[:lower_count],
            c0=network.c0[:lower_count],
        )
        lower_answer = returned_arrays(program(lower), lower)
        if lower_answer is None:
            return None
        x = lower_answer["a"]
    order = slice(None, None, -1) if backward else slice(None)
    a, x = found["a"][backward * n_h :][:n_h, :, order], x[:, :, order]
    c = np.zeros((network.c0.shape[1], x.shape[1], T_x))
    if has_memory:
        for t in range(T_x):
            part = network.x[:, :, T_x - 1 - t :] if backward else network.x[:, :, : t + 1]
            shorter = found if t == T_x - 1 else returned_arrays(program(replace(network, x=part)), network)
            if shorter is None:
                return None
            if not same_leaf(shorter["a"][backward * n_h :][:n_h, :, order], a[:, :, : t + 1], SAME_STATES):
                raise OtherStatesError
            c[:, :, t] = shorter["c_last"][index]
    p, firsts = network.parameters[index], (network.a0[index], network.c0[index])
    before = [columns(states_before(*each))[None] for each in zip(firsts, (a, c), strict=True)]
    one = replace(network, x=x, parameters=[p], directions=1, lengths=None)
    batch = one.single_steps(*before)
    bounds = bounds_on(batch)
    is_projected = "Wp" in p
    names = {"a": "a_out" if is_projected else "a_next", "c_last": "c_next"}
    shown = {names["a"]: columns(a)}
    if has_memory:
        shown["c_next"] = columns(c)
    sizes = {
        name: network.sizes[name] for name in ("n_x", "n_a", "m", "T_x") if name != "n_x" or not lower_count
    }
    graph = quantities_of(network.kind, activation=network.activation, projected=is_projected)
    allowed = {names[name]: bounds[name].error[:, :, 0] for name in names if name in bounds}
    return Steps(network, answer, _place(graph, batch, sizes), shown, allowed)


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
