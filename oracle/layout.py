"""The specification's weights, which act on `[a; x]` gate by gate, as frameworks stack them, and back."""

from collections.abc import Mapping, Sequence

import numpy as np

from reference.contract import Array, Kind

GATE_ORDERS: Mapping[str, str] = {
    "torch": "ifgo",
    "onnx": "iofc",
    "keras": "ifco",
    "openvino": "fico",
    "haiku": "igfo",
}
"""The order in which frameworks stack their gates: forget, input (update), candidate (c or g), output."""

_CANDIDATE = {"g": "c"}


def _gates(order: str) -> list[str]:
    """The gates of an order in this specification's letters."""
    return [_CANDIDATE.get(gate, gate) for gate in order]


def to_torch(
    kind: Kind, parameters: Mapping[str, Array], order: str = GATE_ORDERS["torch"], suffix: str = "_l0"
) -> dict[str, Array]:
    """The state dict of a one-layer `torch.nn.RNN` or `torch.nn.LSTM`, as NumPy arrays.

    `weight_ih_l0 (G n_a, n_x)`, `weight_hh_l0 (G n_a, n_h)`, `bias_ih_l0` and `bias_hh_l0 (G n_a,)`, with
    G = 1 for the RNN and 4 for the LSTM, whose gates are stacked in `order`; with a projection also
    `weight_hr_l0 (n_p, n_a)`. Torch adds its two biases: the first carries ours, the second is zero.
    """
    if kind == "rnn":
        weight_ih, weight_hh, bias = parameters["Wax"], parameters["Waa"], parameters["ba"]
    else:
        W = np.concatenate([parameters[f"W{gate}"] for gate in _gates(order)])
        bias = np.concatenate([parameters[f"b{gate}"] for gate in _gates(order)])
        n_h = len(parameters.get("Wp", parameters["bf"]))
        weight_hh, weight_ih = W[:, :n_h], W[:, n_h:]
    state = {
        f"weight_ih{suffix}": weight_ih,
        f"weight_hh{suffix}": weight_hh,
        f"bias_ih{suffix}": bias[:, 0],
        f"bias_hh{suffix}": np.zeros_like(bias[:, 0]),
    }
    return {**state, f"weight_hr{suffix}": parameters["Wp"]} if "Wp" in parameters else state


def from_torch(
    kind: Kind, state: Mapping[str, Array], order: str = GATE_ORDERS["torch"], suffix: str = "_l0"
) -> dict[str, Array]:
    """The inverse of `to_torch`: the parameters of the specification without those of the head."""
    bias = (state[f"bias_ih{suffix}"] + state[f"bias_hh{suffix}"])[:, None]
    weight_ih, weight_hh = state[f"weight_ih{suffix}"], state[f"weight_hh{suffix}"]
    if kind == "rnn":
        return {"Wax": weight_ih, "Waa": weight_hh, "ba": bias}
    W = np.concatenate([weight_hh, weight_ih], axis=1)
    gates = _gates(order)
    parameters = {
        **{f"W{gate}": part for gate, part in zip(gates, np.split(W, 4), strict=True)},
        **{f"b{gate}": part for gate, part in zip(gates, np.split(bias, 4), strict=True)},
    }
    projection = state.get(f"weight_hr{suffix}")
    return parameters if projection is None else {**parameters, "Wp": projection}


def layers_to_torch(
    kind: Kind, parameters: Sequence[Mapping[str, Array]], directions: int
) -> dict[str, Array]:
    """The state dict of a module of several layers and directions, each as in `to_torch`."""
    return {
        name: array
        for k, p in enumerate(parameters)
        for name, array in to_torch(kind, p, suffix=_suffix(*divmod(k, directions))).items()
    }


def layers_from_torch(kind: Kind, state: Mapping[str, Array]) -> tuple[list[dict[str, Array]], int]:
    """The inverse of `layers_to_torch`: the parameters, and how many directions there are."""
    directions = 2 if f"weight_ih{_suffix(0, 1)}" in state else 1
    layers = sum(name.startswith("weight_ih") for name in state) // directions
    suffixes = [_suffix(layer, direction) for layer in range(layers) for direction in range(directions)]
    return [from_torch(kind, state, suffix=suffix) for suffix in suffixes], directions


def _suffix(layer: int, direction: int) -> str:
    return f"_l{layer}" + ("_reverse" if direction else "")
