"""Converts the weights of one direction from the specification to the layouts of frameworks, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reference.contract import Array, Kind


@dataclass(frozen=True)
class Layout:
    """The layout of a framework for the weights of one direction of a recurrent layer, and for sequences.

    A weight acts from the left, `W @ x`, and has the shape `(gates n_a, inputs)`. If the weights are
    `transposed`, they act from the right, `x @ W`, and have the shape `(inputs, gates n_a)`.
    """

    gates: str  # the order of an LSTM's stacked gates: f forget, i input (update), c candidate, o output
    transposed: bool = False
    biases: int = 1  # 2 if there is a bias for the input and one for the hidden state
    joined: str = ""  # the order of input `x` and hidden state `a` if one weight acts on both
    projects_right: bool = False  # whether a projection acts from the other side than the weights
    axes: str = "btf"  # the axes of a sequence: b batch, t time, f features

    def stack(self, kind: Kind, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """The weights of one direction in the layout of the framework.

        `weight` acts on the input and `recurrent_weight` on the hidden state, also if the framework has them
        `joined`. `bias` is `(G n_a,)`, with G = 1 for an RNN and 4 for an LSTM. If there are two biases,
        `recurrent_bias` consists of zeros. A projection is `(n_p, n_a)`, or `(n_a, n_p)` if it acts from the
        right.
        """
        if kind == "rnn":
            recurrent, weight, bias = parameters["Waa"], parameters["Wax"], parameters["ba"]
        else:
            W = np.concatenate([parameters[f"W{gate}"] for gate in self.gates])
            bias = np.concatenate([parameters[f"b{gate}"] for gate in self.gates])
            n_h = len(parameters.get("Wp", parameters["bf"]))
            recurrent, weight = W[:, :n_h], W[:, n_h:]
        stacked = {"weight": weight, "recurrent_weight": recurrent}
        if "Wp" in parameters:
            stacked["projection"] = parameters["Wp"].T if self.projects_right else parameters["Wp"]
        if self.transposed:
            stacked = {name: array.T for name, array in stacked.items()}
        stacked["bias"] = bias[:, 0]
        if self.biases == 2:
            stacked["recurrent_bias"] = np.zeros_like(bias[:, 0])
        return {name: plain(array) for name, array in stacked.items()}

    def unstack(self, kind: Kind, stacked: Mapping[str, Array]) -> dict[str, Array]:
        """The inverse of `stack`: the parameters of the specification, without the head."""
        weights = {name: array.T if self.transposed else array for name, array in stacked.items()}
        bias = stacked["bias"][:, None]
        if self.biases == 2:
            # A sum with zero would turn -0 into 0.
            second = stacked["recurrent_bias"][:, None]
            bias = np.where(second == 0, bias, bias + second)
        weight, recurrent = weights["weight"], weights["recurrent_weight"]
        if kind == "rnn":
            return {"Wax": weight, "Waa": recurrent, **self.split_bias(kind, bias)}
        W = np.concatenate([recurrent, weight], axis=1)
        parameters = {f"W{gate}": part for gate, part in zip(self.gates, np.split(W, 4))}
        parameters.update(self.split_bias(kind, bias))
        if "projection" in weights:
            parameters["Wp"] = weights["projection"].T if self.projects_right else weights["projection"]
        return parameters

    def split_bias(self, kind: Kind, bias: Array) -> dict[str, Array]:
        """The biases of the specification, by name, that are stacked in a bias `(G n_a, 1)`."""
        if kind == "rnn":
            return {"ba": bias}
        return {f"b{gate}": part for gate, part in zip(self.gates, np.split(bias, 4))}

    def sequence(self, x: Array) -> Array:
        """A sequence `(n, m, T_x)` with its axes in the order of the framework."""
        return plain(x.transpose(["fbt".index(axis) for axis in self.axes]))

    def from_sequence(self, x: Array) -> Array:
        """The inverse of `sequence`."""
        return plain(x.transpose([self.axes.index(axis) for axis in "fbt"]))


def plain(array: Array) -> Array:
    """A copy in C order and native byte order, without negative strides; many frameworks need such arrays."""
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


LAYOUTS: Mapping[str, Layout] = {
    "torch": Layout("ifco", biases=2, axes="tbf"),
    "onnx": Layout("iofc", biases=2, axes="tbf"),
    "keras": Layout("ifco", transposed=True),
    "openvino": Layout("fico"),
    "haiku": Layout("icfo", transposed=True, joined="xa", axes="tbf"),
    "flax": Layout("ifco", transposed=True),
    "mlx": Layout("ifco"),
    "litert": Layout("ifco", axes="tbf"),
    "ncnn": Layout("ifoc"),
    "paddle": Layout("ifco", biases=2, projects_right=True),
    "tinygrad": Layout("ifco", biases=2, axes="tbf"),
}
"""The layout of each framework, according to its documentation."""
