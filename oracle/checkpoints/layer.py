"""A recurrent layer of a file, with parameters as `rnn_layer` and `lstm_layer` take them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from oracle.checkpoints.contents import CheckpointError
from reference.contract import NETWORKS, Array, Kind, hidden_units


@dataclass(frozen=True)
class RecurrentLayer:
    """L stacked layers in D directions.

    The parameters are L D dicts, as `lstm_layer` and `rnn_layer` take them, all float32 or all float64.
    """

    prefix: str  # the beginning of the names of its weights
    kind: Kind
    layout: str  # in the file: a key of `LAYOUTS`, or "reference"
    directions: int
    parameters: Sequence[Mapping[str, Array]]
    activation: str = ""  # of an RNN: "tanh" or "relu"; empty if the file does not contain it
    remarks: tuple[str, ...] = ()  # clauses about how the file was read

    @property
    def layers(self) -> int:
        """The number of stacked layers, L."""
        return len(self.parameters) // self.directions

    @property
    def n_a(self) -> int:
        """The number of units of a direction."""
        return hidden_units(self.parameters[0])

    @property
    def n_p(self) -> int:
        """The size of the projected hidden state; 0 without a projection."""
        return len(self.parameters[0].get("Wp", ()))

    @property
    def n_x(self) -> int:
        """The number of features of the input."""
        weight = self.parameters[0][NETWORKS[self.kind].input_weights[0]]
        return int(weight.shape[1]) - (0 if "Waa" in self.parameters[0] else self.n_p or self.n_a)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the parameters."""
        return next(iter(self.parameters[0].values())).dtype

    @cached_property
    def digest(self) -> str:
        """A hash of the numbers of the parameters, of 12 hexadecimal digits; -0 counts as 0."""
        code = sha256(f"{self.kind} {self.directions}".encode())
        for p in self.parameters:
            for name in sorted(p):
                array = np.ascontiguousarray(p[name] + 0.0, dtype=self.dtype.newbyteorder("<"))
                code.update(f"{name} {array.dtype.str} {array.shape}".encode() + array.tobytes())
        return code.hexdigest()[:12]

    @property
    def largest_weight(self) -> float:
        """The largest magnitude of a weight; biases do not count."""
        weights = [array for p in self.parameters for name, array in p.items() if name.startswith("W")]
        return float(max(np.abs(array).max(initial=0) for array in weights))

    def stacked_on(self, below: "RecurrentLayer") -> "RecurrentLayer":
        """Return this layer stacked on the layer `below`. Raises `CheckpointError` if the two do not fit."""
        n_in = self.directions * (below.n_p or below.n_a)
        for name in ("kind", "directions", "n_a", "n_p", "dtype"):
            ours, theirs = getattr(self, name), getattr(below, name)
            if ours != theirs:
                has = f"{self.prefix} has {name} = {ours} and {below.prefix} {theirs}"
                raise CheckpointError(f"{has}, so one cannot be stacked on the other")
        if self.n_x != n_in:
            raise CheckpointError(f"{self.prefix} takes {self.n_x} inputs, but {below.prefix} gives {n_in}")
        return replace(
            below,
            prefix=f"{below.prefix}+{self.prefix}",
            parameters=[*below.parameters, *self.parameters],
            remarks=tuple(dict.fromkeys((*below.remarks, *self.remarks))),
        )
