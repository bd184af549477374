"""The arrays of one problem of a backward pass: arrays of the forward pass, and the incoming gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np

import reference
from oracle.problems.inputs import Inputs, LayerInputs, states_before
from reference.arrays import time_last
from reference.contract import CONTRACTS, NETWORKS, Array


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


@np.errstate(all="ignore")
def _cached(forward: Inputs) -> dict[str, Array]:
    """The values that the reference caches in a forward pass."""
    cached = getattr(reference, f"{forward.kind}_cached")
    of_steps = cached(forward.x.transpose(2, 0, 1), *forward.initial_states, forward.parameters)
    return {name: time_last(array) for name, array in of_steps.items()}


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


def is_sum_over_samples(quantity: str) -> bool:
    """Whether a quantity is the gradient with respect to a parameter. All others have an entry per sample."""
    return quantity.rpartition('["')[2].startswith(("dW", "db"))


def gradient_name(place: int, name: str) -> str:
    """The name of the gradient with respect to a parameter of layers: `gradients[0]["dWax"]`."""
    return f'gradients[{place}]["d{name}"]'
