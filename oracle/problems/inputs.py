"""The arrays of one problem for one function, and of parts of the problem: some samples, some steps.

A backward pass takes arrays of the forward pass, and incoming gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np

import reference
from reference.arrays import time_last
from reference.contract import CONTRACTS, NETWORKS, Array, Kind, hidden_units


@dataclass(frozen=True)
class Inputs:
    """The arrays of one problem.

    `x` is `(n_x, m, T_x)`, `a0` and `c0` are `(n_a, m)`, and the parameters are those of the specification.
    An RNN has no memory state: its `c0` is `(0, m)`. `dtype` is the precision of the problem. The arrays have
    a wider dtype if some of them are states that an implementation returned in that dtype. `activation` is
    `"tanh"`; layers of an RNN may also have `"relu"`.
    """

    kind: Kind
    x: Array
    a0: Array
    c0: Array
    parameters: Mapping[str, Array]
    dtype: np.dtype[Any]
    activation: str = field(default="tanh", kw_only=True)

    def arguments(self, function: str) -> list[Any]:
        """The positional arguments of a call of `function`; for a cell, the arguments of the first step."""
        contract = CONTRACTS[function]
        if contract.is_cell:
            given = {"xt": self.x[:, :, 0], "a_prev": self.a0, "c_prev": self.c0}
        else:
            given = {"x": self.x, "a0": self.a0}
        return [*(given[name] for name in contract.arguments), dict(self.parameters)]

    @property
    def initial_states(self) -> tuple[Array, ...]:
        """The initial hidden state and, if the network has a memory state, the initial memory state."""
        return (self.a0, self.c0)[: len(NETWORKS[self.kind].states)]

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by symbol."""
        n_x, m, T_x = self.x.shape
        return {"n_x": n_x, "n_a": len(self.a0), "n_y": len(self.parameters["by"]), "m": m, "T_x": T_x}

    def samples(self, index: Any) -> Self:
        """The same problem with only the samples at a NumPy index.

        Sequences have the samples on their second axis, and all other arrays have them on the last axis.
        """
        selected: dict[str, Any] = {}
        for name, value in vars(self).items():
            if name in ("x", "da"):
                selected[name] = value[:, index]
            elif name == "cached":
                selected[name] = {each: array[:, index] for each, array in value.items()}
            elif isinstance(value, np.ndarray):
                selected[name] = value[..., index]
        return replace(self, **selected)

    def sample(self, j: int, t: int) -> Inputs:
        """One sample up to step `t`: the part of the problem that determines this step."""
        return self.samples([j]).span(0, t + 1)

    def span(self, start: int, stop: int) -> Inputs:
        """The same problem with the steps from `start` to `stop`, from the same initial state."""
        return replace(self, x=self.x[:, :, start:stop])

    def steps(self, a: Array, c: Array) -> Inputs:
        """All steps of a trajectory `a`, `c` `(n_a, m, T_x)` as one batch of `m T_x` single steps.

        Each step starts from a state of the trajectory itself, so that an error in one step does not count
        against the next step. A result `(n, m T_x, 1)` can be reshaped to `(n, m, T_x)`. If T_x is 1 and the
        trajectory has no wider dtype than `x`, the batch is the problem itself.
        """
        _, m, T_x = self.x.shape
        if T_x == 1 and np.result_type(self.x, a, c) == self.x.dtype:
            return self
        before = states_before(self.a0, a), states_before(self.c0, c)
        return self.single_steps(*(states.reshape(len(states), m * T_x) for states in before))

    def single_steps(self, a: Array, c: Array) -> Self:
        """All steps as one batch of `m T_x` single steps, from the states `a` and `c` `(…, n, m T_x)`."""
        n_x, m, T_x = self.x.shape
        dtype = np.result_type(self.x, a, c)
        batch = self.with_parameters(lambda p: {name: array.astype(dtype) for name, array in p.items()})
        x = self.x.reshape(n_x, m * T_x, 1).astype(dtype)
        return replace(batch, x=x, a0=a.astype(dtype), c0=c.astype(dtype))

    def with_parameters(self, change: Callable[[Mapping[str, Array]], Mapping[str, Array]]) -> Self:
        """The same problem with changed parameters; for layers, `change` gets those of one direction."""
        return replace(self, parameters=change(self.parameters))

    def with_fields(self, **fields: Any) -> Self:
        """The same problem with other fields. The caches of a backward pass are computed again."""
        return replace(self, **fields)

    def as_layer(self) -> LayerInputs:
        """The same problem for a single layer in one direction."""
        a0, c0, parameters = self.a0[None], self.c0[None], [self.parameters]
        return LayerInputs(self.kind, self.x, a0, c0, parameters, self.dtype)

    def row_name(self, quantity: str, unit: int) -> str:
        """The name of a row of a quantity."""
        return f"{'class' if quantity == 'y' else 'unit'} {unit}"


@dataclass(frozen=True)
class LayerInputs(Inputs):
    """The arrays of one problem of whole layers.

    `x` is `(n_x, m, T_x)`, `a0` is `(L D, n_h, m)`, `c0` is `(L D, n_a, m)`, and each direction of each layer
    has a dict of parameters. An RNN has no memory state: its `c0` is `(L D, 0, m)`. `lengths` is `(m,)`, or
    `None` if all samples have T_x steps.
    """

    parameters: Sequence[Mapping[str, Array]]  # type: ignore[assignment]
    directions: int = 1
    lengths: Array | None = None

    def arguments(self, function: str) -> list[Any]:
        """The positional arguments of a call of `function`, the options last."""
        options: dict[str, Any] = {"directions": self.directions}
        if NETWORKS[self.kind].has_activations:
            options["activation"] = self.activation
        if self.lengths is not None:
            options["lengths"] = self.lengths
        arguments = (getattr(self, name) for name in CONTRACTS[function].arguments)
        return [*arguments, [dict(p) for p in self.parameters], options]

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes by symbol, with the numbers of layers and directions."""
        (n_x, m, T_x), (places, n_h, _) = self.x.shape, self.a0.shape
        n_a = hidden_units(self.parameters[0])
        stacking = {"L": places // self.directions, "D": self.directions, "n_h": n_h}
        return {"n_x": n_x, "n_a": n_a, "m": m, "T_x": T_x, **stacking}

    @property
    def ends(self) -> Array:
        """The number of steps of each sample, `(m,)`."""
        return np.full(self.x.shape[1], self.x.shape[2]) if self.lengths is None else self.lengths

    @property
    def within(self) -> Array:
        """Whether a step belongs to the sample, and not to the padding, `(m, T_x)`."""
        return np.asarray(np.arange(self.x.shape[2]) < self.ends[:, None])

    def sample(self, j: int, t: int) -> LayerInputs:
        """Sample j with all its steps, since its backward direction begins at its end."""
        return self.samples([j])

    def span(self, start: int, stop: int) -> Self:
        """The same problem with the steps from `start` to `stop`, all of which belong to the samples."""
        sequences = {
            name: array[:, :, start:stop] for name, array in vars(self).items() if name in ("x", "da")
        }
        return replace(self, **sequences, lengths=None)

    def single_steps(self, a: Array, c: Array) -> Self:
        """All steps as one batch of `m T_x` single steps, from the states `a` and `c` `(L D, n, m T_x)`."""
        return replace(super().single_steps(a, c), lengths=None)

    def with_parameters(self, change: Callable[[Mapping[str, Array]], Mapping[str, Array]]) -> Self:
        """The same problem with changed parameters of each direction."""
        return replace(self, parameters=[change(p) for p in self.parameters])

    def row_name(self, quantity: str, unit: int) -> str:
        """The name of a row of a quantity; `a_last` and `c_last` stack the rows of all layers."""
        place, unit = divmod(unit, max((self.c0 if quantity[0] == "c" else self.a0).shape[1], 1))
        layer, direction = divmod(place, self.directions)
        if quantity == "a":
            layer = len(self.parameters) // self.directions - 1
        return f"layer {layer}, {('forward', 'backward')[direction]}, unit {unit}"


@dataclass(frozen=True)
class BackwardInputs(Inputs):
    """The arrays of one problem of a backward pass that takes caches.

    `da (n_a, m, T_x)` is the direct gradient with respect to the hidden states. `dc (n_a, m)` is the direct
    gradient with respect to the last memory state: 0 except for a cell, and `(0, m)` for an RNN. `cached` has
    the values in the caches: `a`, and for an LSTM `c`, `ft`, `it`, `cct` and `ot`, each `(n_a, m, T_x)`.
    With `has_pre_activations`, `x` has one row for each pre-activation, and `dx` has their gradients.
    """

    _: KW_ONLY
    da: Array
    dc: Array
    cached: Mapping[str, Array]
    has_pre_activations: bool = False

    @staticmethod
    def of(forward: Inputs, da: Array, dc: Array) -> BackwardInputs:
        """The inputs of the backward pass of `forward`, with the caches of the reference."""
        return BackwardInputs(**vars(forward), da=da, dc=dc, cached=_cached(forward))

    def arguments(self, function: str) -> list[Any]:
        """The positional arguments of a call of `function`; for a cell, the arguments of the first step."""
        contract = CONTRACTS[function]
        by_name = {"da_next": self.da[:, :, 0], "dc_next": self.dc, "da": self.da}
        caches = self._caches(contract.cache)
        given = caches[0] if contract.is_cell else (caches, self.x)
        return [*(by_name[name] for name in contract.arguments), given]

    def _caches(self, names: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The cell caches of all steps, as the forward passes of the reference return them."""
        arrays = {**self.cached, "a_prev": self.a_prev, "c_prev": self.c_prev, "xt": self.x}
        arrays |= {f"{state}_next": self.cached[state] for state in ("a", "c") if state in self.cached}
        parameters = dict(self.parameters)
        return [(*(arrays[name][:, :, t] for name in names), parameters) for t in range(self.x.shape[2])]

    @property
    def a_prev(self) -> Array:
        """The hidden states before each step, `(n_a, m, T_x)`."""
        return states_before(self.a0, self.cached["a"])

    @property
    def c_prev(self) -> Array:
        """The memory states before each step, `(n_a, m, T_x)`; `(0, m, T_x)` for an RNN."""
        return states_before(self.c0, self.cached.get("c", np.zeros((0, *self.x.shape[1:]), self.x.dtype)))

    def row_name(self, quantity: str, unit: int) -> str:
        """The name of a row of a gradient."""
        if quantity != "dx":
            return f"unit {unit}"
        if not self.has_pre_activations:
            return f"feature {unit}"
        gate, unit = divmod(unit, len(self.a0))
        gates = [*NETWORKS[self.kind].gates.values()]
        of_gate = f" of {gates[gate]}" if gates else ""
        return f"pre-activation{of_gate}, unit {unit}"

    def span(self, start: int, stop: int) -> BackwardInputs:
        """The same problem with the steps from `start` to `stop`, from the states in the caches."""
        steps = slice(start, stop)
        return replace(
            self,
            x=self.x[:, :, steps],
            a0=self.a_prev[:, :, start],
            c0=self.c_prev[:, :, start],
            da=self.da[:, :, steps],
            cached={name: array[:, :, steps] for name, array in self.cached.items()},
        )

    def with_pre_activations_as_inputs(self, x: Array) -> BackwardInputs:
        """The same problem, changed so that `dx` has the gradients with respect to the pre-activations.

        The inputs `x` are `(n_a, m, T_x)`, or have n_a rows for each gate: one row for each pre-activation.
        The weights on the inputs are blocks of the identity, so the result is exact.
        """
        n_a, p = len(self.a0), dict(self.parameters)
        names = NETWORKS[self.kind].input_weights
        for name, block in zip(names, np.split(np.eye(len(x), dtype=x.dtype), len(names)), strict=True):
            p[name] = block if "Waa" in p else np.concatenate([p[name][:, :n_a], block], axis=1)
        return self.with_fields(x=x, parameters=p, has_pre_activations=True)

    def with_fields(self, **fields: Any) -> BackwardInputs:
        """The same problem with other fields, and the caches of the reference."""
        changed = replace(self, **fields)
        return replace(changed, cached=_cached(changed))

    def showing_each_step(self, seed: int) -> BackwardInputs:
        """The problem `with_pre_activations_as_inputs`, with random inputs, for the law *each step*."""
        n_a, m, T_x = self.da.shape
        rng = np.random.default_rng([seed, 5])
        x = rng.standard_normal((n_a * len(NETWORKS[self.kind].input_weights), m, T_x)).astype(self.dtype)
        return self.with_pre_activations_as_inputs(x)


@dataclass(frozen=True)
class LayerBackwardInputs(LayerInputs):
    """The arrays of one problem of a backward pass of whole layers.

    `da (D n_h, m, T_x)`, `da_last (L D, n_h, m)` and `dc_last (L D, n_a, m)` are the gradients with respect
    to the outputs of the layers; for an RNN, `dc_last` is `(L D, 0, m)`.
    """

    _: KW_ONLY
    da: Array
    da_last: Array
    dc_last: Array

    def row_name(self, quantity: str, unit: int) -> str:
        """The name of a row of a gradient."""
        return f"feature {unit}" if quantity == "dx" else super().row_name(f"{quantity[1]}_last", unit)


AnyBackward = BackwardInputs | LayerBackwardInputs


def states_before(first: Array, states: Array) -> Array:
    """The states before each step, `(n, m, T_x)`, from the initial state and the states after each step."""
    return np.concatenate([first[:, :, None], states], axis=2)[:, :, :-1]


@np.errstate(all="ignore")
def _cached(forward: Inputs) -> dict[str, Array]:
    """The values that the reference caches in a forward pass."""
    cached = getattr(reference, f"{forward.kind}_cached")
    of_steps = cached(forward.x.transpose(2, 0, 1), *forward.initial_states, forward.parameters)
    return {name: time_last(array) for name, array in of_steps.items()}


def is_sum_over_samples(quantity: str) -> bool:
    """Whether a quantity is the gradient with respect to a parameter. All others have an entry per sample."""
    return quantity.rpartition('["')[2].startswith(("dW", "db"))


def gradient_name(place: int, name: str) -> str:
    """The name of the gradient with respect to a parameter of layers: `gradients[0]["dWax"]`."""
    return f'gradients[{place}]["d{name}"]'


AnyInputs = TypeVar("AnyInputs", bound=Inputs)


def with_nonfinite_entry(
    inputs: AnyInputs, names: list[str], seed: int, allowed: Array | None = None
) -> AnyInputs:
    """The inputs with NaN or infinity in one entry of one of the named arrays, unless all these are empty.

    With `allowed (m,)`, an entry of a sample for which it is false keeps its number.
    """
    rng = np.random.default_rng([seed, 1])
    arrays = {name: getattr(inputs, name).copy() for name in names if getattr(inputs, name).size}
    if arrays:
        name = rng.choice(list(arrays))
        number = rng.choice([np.nan, np.inf, -np.inf])
        place = np.unravel_index(rng.integers(arrays[name].size), arrays[name].shape)
        sample = place[1 if name in ("x", "da") else -1]
        if allowed is None or allowed[sample]:
            arrays[name][place] = number
    return replace(inputs, **arrays)
