"""The kinds of networks, each with its parameters, states and gates.

`NETWORKS` is the only table of kinds. docs/architecture.md says what a further kind needs beside an entry
here, such as its equations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Union

from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["rnn", "lstm"]
Size = Union[str, int]
"""A size (`"n_a"`), a product of sizes (`"D n_h"`), a sum (`"n_a + n_x"`) or a number."""
Shape = tuple[Size, ...]
"""A shape in symbols."""

GATE_WEIGHT: Shape = ("n_a", "n_a + n_x")
BIAS: Shape = ("n_a", 1)


@dataclass(frozen=True)
class Network:
    """One kind of network.

    `states` are the letters of the states, `a` for the hidden state and `c` for the memory state. `gates` are
    the names of the cached gates by the letter of their weights, in the order of the cache. `predictions` is
    the name of the predictions that the function of a sequence returns. Layers have one of the `activations`,
    and may have a projection `Wp` if the network `has_projection`. `torch` names its module in torch.nn.
    """

    parameters: Mapping[str, Shape]
    predictions: str
    states: tuple[str, ...] = ("a",)
    gates: Mapping[str, str] = field(default_factory=dict)
    activations: tuple[str, ...] = ("tanh",)
    has_projection: bool = False
    torch: str = ""

    @property
    def has_memory(self) -> bool:
        """Whether the network has a memory state."""
        return "c" in self.states

    @property
    def has_activations(self) -> bool:
        """Whether layers have a choice of activations."""
        return len(self.activations) > 1

    @property
    def affine_maps(self) -> tuple[tuple[str, ...], ...]:
        """The names of the weights, side by side, and of the bias of each affine map in a step."""
        return tuple((f"W{gate}", f"b{gate}") for gate in self.gates) or (("Waa", "Wax", "ba"),)

    @property
    def input_weights(self) -> tuple[str, ...]:
        """The names of the weights whose last columns act on the input."""
        return tuple(names[-2] for names in self.affine_maps)

    @property
    def head(self) -> tuple[str, str]:
        """The names of the weight and the bias of the prediction head."""
        return "Wya" if "Wya" in self.parameters else "Wy", "by"


_LSTM_GATES: Mapping[str, str] = {"f": "ft", "i": "it", "c": "cct", "o": "ot"}

NETWORKS: Mapping[Kind, Network] = {
    "rnn": Network(
        {"Wax": ("n_a", "n_x"), "Waa": ("n_a", "n_a"), "Wya": ("n_y", "n_a"), "ba": BIAS, "by": ("n_y", 1)},
        "y_pred",
        activations=("tanh", "relu"),
        torch="RNN",
    ),
    "lstm": Network(
        {
            **{f"W{gate}": GATE_WEIGHT for gate in _LSTM_GATES},
            **{f"b{gate}": BIAS for gate in _LSTM_GATES},
            "Wy": ("n_y", "n_a"),
            "by": ("n_y", 1),
        },
        "y",
        ("a", "c"),
        _LSTM_GATES,
        has_projection=True,
        torch="LSTM",
    ),
}
"""Each kind of network, by the name that begins the names of its functions."""


def kind_in(name: str) -> Kind:
    """The kind of network that begins the name of a function or of a kind of problems, such as `lstm_layer`.

    Raises `ValueError` for a kind that `NETWORKS` does not have.
    """
    for kind in NETWORKS:
        if kind == name.partition("_")[0]:
            return kind
    raise ValueError(f"{name!r} is of no kind of network: {', '.join(NETWORKS)}")


def hidden_units(parameters: Mapping[str, Array]) -> int:
    """The number n_a of hidden units of a cell with these parameters: the rows of its biases."""
    return next(len(array) for name, array in parameters.items() if name[0] == "b" and name != "by")
