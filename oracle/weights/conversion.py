"""Converts parameters of layers to the layouts and names of frameworks, and back.

Parameters are a list of L D dicts, layer by layer, and in each layer forward before backward. Each dict has
`Wax Waa ba`, or `Wf bf Wi bi Wc bc Wo bo`, whose weights act on `[a_prev; input]`, and optionally `Wp`.

A conversion and its inverse give the same numbers bit for bit. If a framework has two biases, the first gets
the bias of the specification, and the second is zero; the inverse adds the two. It ignores tensors with
unknown names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from oracle.weights.layout import LAYOUTS
from oracle.weights.named_weights import WeightsByDirection, group_weights, parameters_of
from oracle.weights.naming import REFERENCE, keras_path, onnx_name, torch_name, torch_suffix
from reference.contract import Array, Kind

Parameters = Sequence[Mapping[str, Array]]


def to_torch(kind: Kind, parameters: Parameters, directions: int = 1) -> dict[str, Array]:
    """The state dict of a `torch.nn.RNN` or `torch.nn.LSTM`, as NumPy arrays.

    The names are `weight_ih_l0`, `weight_hh_l0`, `bias_ih_l0`, `bias_hh_l0`, and for a projection
    `weight_hr_l0`; then the same with `_l0_reverse`, `_l1`, and so on.
    """
    return {
        torch_name(role, *divmod(k, directions)): array
        for k, p in enumerate(parameters)
        for role, array in LAYOUTS["torch"].stack(kind, p).items()
    }


def from_torch(kind: Kind, state: Mapping[str, Array]) -> tuple[list[dict[str, Array]], int]:
    """The inverse of `to_torch`: the parameters, and the number of directions.

    The names can also be those of a cell, without `_l0`, and biases can be absent. Raises `ValueError` if
    weights are missing, or do not fit together.
    """
    return _parameters(kind, "torch", group_weights(state).get(("torch", ""), {}))


def to_onnx(kind: Kind, parameters: Parameters, directions: int = 1) -> dict[str, Array]:
    """The inputs `W (D, G n_a, n_in)`, `R (D, G n_a, n_a)` and `B (D, 2 G n_a)` of a node for each layer.

    The names are `l0.W`, `l0.R`, `l0.B`, `l1.W`, and so on. Raises `ValueError` for a projection, which the
    operator does not have.
    """
    _refuse_projection("ONNX", parameters)
    arrays = {}
    for k in range(0, len(parameters), directions):
        stacked = [LAYOUTS["onnx"].stack(kind, p) for p in parameters[k : k + directions]]
        biases = [np.concatenate([each["bias"], each["recurrent_bias"]]) for each in stacked]
        arrays[onnx_name("W", k // directions)] = np.stack([each["weight"] for each in stacked])
        arrays[onnx_name("R", k // directions)] = np.stack([each["recurrent_weight"] for each in stacked])
        arrays[onnx_name("B", k // directions)] = np.stack(biases)
    return arrays


def from_onnx(kind: Kind, arrays: Mapping[str, Array]) -> tuple[list[dict[str, Array]], int]:
    """The inverse of `to_onnx`: the parameters, and the number of directions.

    The names of a single node can also be `W`, `R` and `B`. Raises the errors of `from_torch`.
    """
    return _parameters(kind, "onnx", group_weights(arrays).get(("onnx", ""), {}))


def to_keras(kind: Kind, parameters: Parameters, directions: int = 1) -> dict[str, Array]:
    """The variables of a `keras.layers.LSTM` or `SimpleRNN` for each layer, by path.

    The paths are `lstm/lstm_cell/kernel`, `recurrent_kernel` and `bias`, then the same in `lstm_1`, as in
    Keras models; for two directions `bidirectional/forward_lstm/lstm_cell/kernel`, and so on. The variables
    have the order of `set_weights`. Raises `ValueError` for a projection, which the layer does not have.
    """
    _refuse_projection("Keras", parameters)
    return {
        keras_path(kind, role, *divmod(k, directions), directions): array
        for k, p in enumerate(parameters)
        for role, array in LAYOUTS["keras"].stack(kind, p).items()
    }


def from_keras(kind: Kind, arrays: Mapping[str, Array]) -> tuple[list[dict[str, Array]], int]:
    """The inverse of `to_keras`: the parameters, and the number of directions.

    All recurrent layers count as one stack. They are sorted by name, from the bottom to the top; numbers in
    the names are compared as numbers. Raises the errors of `from_torch`.
    """
    groups = group_weights(arrays)
    prefixes = (prefix for convention, prefix in groups if convention == "keras")
    by_direction: WeightsByDirection = {}
    for prefix in sorted(prefixes, key=_natural_sort_key):
        height = 1 + max((layer for layer, _ in by_direction), default=-1)
        for (layer, direction), roles in groups["keras", prefix].items():
            by_direction[height + layer, direction] = roles
    return _parameters(kind, "keras", by_direction)


def to_reference(kind: Kind, parameters: Parameters, directions: int = 1) -> dict[str, Array]:
    """The parameters by the names of the specification with torch's suffix: `Wf_l0`, `Wf_l0_reverse`."""
    return {
        name + torch_suffix(*divmod(k, directions)): array
        for k, p in enumerate(parameters)
        for name, array in p.items()
    }


CONVERTERS: Mapping[str, Callable[[Kind, Parameters, int], dict[str, Array]]] = {
    "torch": to_torch,
    "onnx": to_onnx,
    "keras": to_keras,
    REFERENCE: to_reference,
}
"""The function that converts to the layout and names of a framework, by framework."""


def _parameters(
    kind: Kind, convention: str, by_direction: WeightsByDirection
) -> tuple[list[dict[str, Array]], int]:
    if not by_direction:
        raise ValueError(f"there is no weight of {kind.upper()} layers with a name of {convention}")
    network, parameters, D = parameters_of(convention, by_direction)
    if network != kind:
        raise ValueError(f"these are the weights of a {network.upper()}, expected those of an {kind.upper()}")
    return parameters, D


def _natural_sort_key(name: str) -> list[tuple[int, str]]:
    """A sort key of names that compares numbers as numbers: `lstm_2` comes before `lstm_10`."""
    return [(int(piece), "") if piece.isdigit() else (0, piece) for piece in re.split(r"(\d+)", name)]


def _refuse_projection(framework: str, parameters: Parameters) -> None:
    if any("Wp" in p for p in parameters):
        raise ValueError(f"an LSTM of {framework} has no projection, but these parameters have one")
