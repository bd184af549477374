"""The specification's weights, which act on `[a; x]` gate by gate, as frameworks lay them out, and back.

Needs NumPy alone: adapters use it in the environment of their framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference.contract import Array, Kind


@dataclass(frozen=True)
class Layout:
    """How a framework lays out one direction of a recurrent layer, and the sequences that it takes.

    Attributes
    ----------
    gates
        The order in which it stacks the gates of an LSTM: forget, input (update), candidate (c or g), output.
    transposed
        Whether weights act from the right, `x @ W`, and so are `(inputs, gates n_a)`; otherwise they are
        `(gates n_a, inputs)`.
    biases
        2 where it adds one for the input and one for the hidden state, else 1.
    joined
        The order of input `x` and hidden state `a` where one weight acts on both; empty where two do.
    projects_right
        Whether a projection acts from the other side than the weights do.
    axes
        Those of a sequence: time `t`, batch `b`, features `f`.
    """

    gates: str
    transposed: bool = False
    biases: int = 1
    joined: str = ""
    projects_right: bool = False
    axes: str = "btf"

    def stack(self, kind: Kind, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """The weights of one direction as the framework has them.

        `weight` acts on the input, `recurrent_weight` on the hidden state (or `weight` on both, where they
        are `joined`); `bias` is `(G n_a,)`, as is `recurrent_bias`, of zeros, where there are two; with a
        projection there is `projection (n_p, n_a)`, or `(n_a, n_p)` where it acts from the right. G is 1 for
        the RNN and 4 for the LSTM.
        """
        if kind == "rnn":
            recurrent, weight, bias = parameters["Waa"], parameters["Wax"], parameters["ba"]
        else:
            W = np.concatenate([parameters[f"W{gate}"] for gate in self._gates])
            bias = np.concatenate([parameters[f"b{gate}"] for gate in self._gates])
            n_h = len(parameters.get("Wp", parameters["bf"]))
            recurrent, weight = W[:, :n_h], W[:, n_h:]
        stacked = {"weight": weight, "recurrent_weight": recurrent}
        if self.joined:
            stacked = {
                "weight": np.concatenate([{"x": weight, "a": recurrent}[part] for part in self.joined], 1)
            }
        if "Wp" in parameters:
            stacked["projection"] = parameters["Wp"].T if self.projects_right else parameters["Wp"]
        if self.transposed:
            stacked = {name: array.T for name, array in stacked.items()}
        stacked["bias"] = bias[:, 0]
        if self.biases == 2:
            stacked["recurrent_bias"] = np.zeros_like(bias[:, 0])
        return {name: plain(array) for name, array in stacked.items()}

    def unstack(self, kind: Kind, stacked: Mapping[str, Array]) -> dict[str, Array]:
        """The inverse of `stack`: the parameters of the specification, without those of the head."""
        weights = {
            name: array.T if self.transposed else array
            for name, array in stacked.items()
            if "bias" not in name
        }
        bias = stacked["bias"][:, None]
        if self.biases == 2:
            # A sum with zero would make 0 of -0.
            other = stacked["recurrent_bias"][:, None]
            bias = np.where(other == 0, bias, bias + other)
        projection = weights.get("projection")
        if projection is not None and self.projects_right:
            projection = projection.T
        n_h = len(bias) // (4 if kind == "lstm" else 1) if projection is None else len(projection)
        weight, recurrent = weights["weight"], weights.get("recurrent_weight")
        if recurrent is None:
            at = n_h if self.joined == "ax" else weight.shape[1] - n_h
            recurrent, weight = (weight[:, :at], weight[:, at:])[:: 1 if self.joined == "ax" else -1]
        if kind == "rnn":
            return {"Wax": weight, "Waa": recurrent, **self.bias_of_gates(kind, bias)}
        W = np.concatenate([recurrent, weight], axis=1)
        parameters = {f"W{gate}": part for gate, part in zip(self._gates, np.split(W, 4))}
        parameters.update(self.bias_of_gates(kind, bias))
        return parameters if projection is None else {**parameters, "Wp": projection}

    def bias_of_gates(self, kind: Kind, bias: Array) -> dict[str, Array]:
        """The parameters that a stacked bias `(G n_a, 1)` holds."""
        if kind == "rnn":
            return {"ba": bias}
        return {f"b{gate}": part for gate, part in zip(self._gates, np.split(bias, 4))}

    def sequence(self, x: Array) -> Array:
        """A sequence `(n, m, T_x)` with the axes of the framework."""
        return plain(x.transpose(["fbt".index(axis) for axis in self.axes]))

    def from_sequence(self, x: Array) -> Array:
        """The inverse of `sequence`."""
        return plain(x.transpose([self.axes.index(axis) for axis in "fbt"]))

    @property
    def _gates(self) -> list[str]:
        """The gates in this specification's letters."""
        return ["c" if gate == "g" else gate for gate in self.gates]


def plain(array: Array) -> Array:
    """The same array in C order and the byte order of the machine, as frameworks take it."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


LAYOUTS: Mapping[str, Layout] = {
    "torch": Layout("ifgo", biases=2, axes="tbf"),
    "onnx": Layout("iofc", biases=2, axes="tbf"),
    "keras": Layout("ifco", transposed=True),
    "openvino": Layout("fico"),
    "haiku": Layout("igfo", transposed=True, joined="xa", axes="tbf"),
    "flax": Layout("ifgo", transposed=True),
    "mlx": Layout("ifgo"),
    "litert": Layout("ifco", axes="tbf"),
    "ncnn": Layout("ifog"),
    "paddle": Layout("ifco", biases=2, projects_right=True),
    "tinygrad": Layout("ifgo", biases=2, axes="tbf"),
}
"""By framework, as each documents it."""
