"""The specification's weights, which act on `[a; x]` gate by gate, as frameworks stack them, and back."""

from collections.abc import Mapping

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
    kind: Kind, parameters: Mapping[str, Array], order: str = GATE_ORDERS["torch"]
) -> dict[str, Array]:
    """The state dict of a one-layer `torch.nn.RNN` or `torch.nn.LSTM`, as NumPy arrays.

    `weight_ih_l0 (G n_a, n_x)`, `weight_hh_l0 (G n_a, n_a)`, `bias_ih_l0` and `bias_hh_l0 (G n_a,)`, with
    G = 1 for the RNN and 4 for the LSTM, whose gates are stacked in `order`. Torch adds its two biases:
    the first carries ours, the second is zero.
    """
    if kind == "rnn":
        weight_ih, weight_hh, bias = parameters["Wax"], parameters["Waa"], parameters["ba"]
    else:
        W = np.concatenate([parameters[f"W{gate}"] for gate in _gates(order)])
        bias = np.concatenate([parameters[f"b{gate}"] for gate in _gates(order)])
        n_a = len(parameters["bf"])
        weight_hh, weight_ih = W[:, :n_a], W[:, n_a:]
    return {
        "weight_ih_l0": weight_ih,
        "weight_hh_l0": weight_hh,
        "bias_ih_l0": bias[:, 0],
        "bias_hh_l0": np.zeros_like(bias[:, 0]),
    }


def from_torch(kind: Kind, state: Mapping[str, Array], order: str = GATE_ORDERS["torch"]) -> dict[str, Array]:
    """The inverse of `to_torch`: the parameters of the specification without those of the head."""
    bias = (state["bias_ih_l0"] + state["bias_hh_l0"])[:, None]
    if kind == "rnn":
        return {"Wax": state["weight_ih_l0"], "Waa": state["weight_hh_l0"], "ba": bias}
    W = np.concatenate([state["weight_hh_l0"], state["weight_ih_l0"]], axis=1)
    gates = _gates(order)
    return {
        **{f"W{gate}": part for gate, part in zip(gates, np.split(W, 4), strict=True)},
        **{f"b{gate}": part for gate, part in zip(gates, np.split(bias, 4), strict=True)},
    }
