"""What goes into each function and what comes out, shapes in symbols.

One table, `CONTRACTS`, says it once; validation, the generation of problems and the laws on shapes read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, Union

from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["rnn", "lstm"]
Size = Union[str, int]
"""A size (`"n_a"`), a product (`"D n_h"`), a sum of these (`"n_a + n_x"`) or a number."""
Shape = tuple[Size, ...]
"""A shape in symbols."""

NEVER_ZERO = ("n_a", "n_y", "n_p")
"""Without hidden units there is no state, and without classes no prediction."""

STATE: Shape = ("n_a", "m")
STATES: Shape = ("n_a", "m", "T_x")
GATE_WEIGHT: Shape = ("n_a", "n_a + n_x")
BIAS: Shape = ("n_a", 1)

PARAMETERS: Mapping[Kind, Mapping[str, Shape]] = {
    "rnn": {
        "Wax": ("n_a", "n_x"),
        "Waa": ("n_a", "n_a"),
        "Wya": ("n_y", "n_a"),
        "ba": BIAS,
        "by": ("n_y", 1),
    },
    "lstm": {
        **{f"W{gate}": GATE_WEIGHT for gate in "fico"},
        **{f"b{gate}": BIAS for gate in "fico"},
        "Wy": ("n_y", "n_a"),
        "by": ("n_y", 1),
    },
}


@dataclass(frozen=True)
class Contract:
    """The arguments (before `parameters`), outputs and cell cache of one function, in order."""

    name: str
    kind: Kind
    is_cell: bool
    arguments: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    cache: Mapping[str, Shape]

    @property
    def is_layer(self) -> bool:
        """Whether it takes a list of parameters, for layers and directions; it has no head and no cache."""
        return self.name.endswith("_layer")

    @property
    def posed_as(self) -> str:
        """The kind of problem that is posed to it: that of its network, or its own."""
        return self.name if self.is_layer else self.kind

    @property
    def at_last(self) -> tuple[str, ...]:
        """What a call takes after the arguments."""
        return ("parameters", "options") if self.is_layer else ("parameters",)

    @property
    def cell(self) -> str:
        """The function that takes one step of this network."""
        return f"{self.kind}_cell_forward"

    @property
    def parameters(self) -> Mapping[str, Shape]:
        """The parameters that the function takes."""
        return PARAMETERS[self.kind]


_RNN_CACHE: Mapping[str, Shape] = {"a_next": STATE, "a_prev": STATE, "xt": ("n_x", "m")}
_LSTM_CACHE: Mapping[str, Shape] = {
    **dict.fromkeys(("a_next", "c_next", "a_prev", "c_prev", "ft", "it", "cct", "ot"), STATE),
    "xt": ("n_x", "m"),
}

CONTRACTS: Mapping[str, Contract] = {
    contract.name: contract
    for contract in (
        Contract(
            "rnn_cell_forward",
            "rnn",
            True,
            arguments={"xt": ("n_x", "m"), "a_prev": STATE},
            outputs={"a_next": STATE, "yt_pred": ("n_y", "m")},
            cache=_RNN_CACHE,
        ),
        Contract(
            "rnn_forward",
            "rnn",
            False,
            arguments={"x": ("n_x", "m", "T_x"), "a0": STATE},
            outputs={"a": STATES, "y_pred": ("n_y", "m", "T_x")},
            cache=_RNN_CACHE,
        ),
        Contract(
            "lstm_cell_forward",
            "lstm",
            True,
            arguments={"xt": ("n_x", "m"), "a_prev": STATE, "c_prev": STATE},
            outputs={"a_next": STATE, "c_next": STATE, "yt_pred": ("n_y", "m")},
            cache=_LSTM_CACHE,
        ),
        Contract(
            "lstm_forward",
            "lstm",
            False,
            arguments={"x": ("n_x", "m", "T_x"), "a0": STATE},
            outputs={"a": STATES, "y": ("n_y", "m", "T_x"), "c": STATES},
            cache=_LSTM_CACHE,
        ),
        Contract(
            "rnn_layer",
            "rnn",
            False,
            arguments={"x": ("n_x", "m", "T_x"), "a0": ("L D", "n_h", "m")},
            outputs={"a": ("D n_h", "m", "T_x"), "a_last": ("L D", "n_h", "m")},
            cache={},
        ),
        Contract(
            "lstm_layer",
            "lstm",
            False,
            arguments={"x": ("n_x", "m", "T_x"), "a0": ("L D", "n_h", "m"), "c0": ("L D", "n_a", "m")},
            outputs={
                "a": ("D n_h", "m", "T_x"),
                "a_last": ("L D", "n_h", "m"),
                "c_last": ("L D", "n_a", "m"),
            },
            cache={},
        ),
    )
}
"""By name. There are L layers in D directions; n_h is n_p where the hidden state is projected, else n_a."""

FUNCTIONS = tuple(name for name, contract in CONTRACTS.items() if not contract.is_layer)
"""The four functions: a cell and a forward of each network, with head and caches."""

LAYERS = tuple(name for name, contract in CONTRACTS.items() if contract.is_layer)

OPTIONS: Mapping[str, str] = {
    "directions": "D, 1 or 2: forward, or forward and backward (default 1)",
    "lengths": "(m,) whole numbers from 1 to T_x, the steps of each sample (default: all T_x)",
    "activation": '"tanh" or "relu", of an RNN (default "tanh")',
}
"""What a layer's `options` may hold."""


def of_one_direction(kind: Kind, layer: int, projected: bool) -> dict[str, Shape]:
    """The parameters of one direction of a layer: those of the cell without the head, perhaps with `Wp`.

    A layer above the first takes the hidden states of all directions of the one below.
    """
    n_h, n_in = ("n_p" if projected else "n_a"), ("D n_h" if layer else "n_x")
    shapes: dict[str, Shape] = {"Wp": ("n_p", "n_a")} if projected else {}
    for name, shape in PARAMETERS[kind].items():
        if name == "Wax":
            shapes[name] = ("n_a", n_in)
        elif shape == GATE_WEIGHT:
            shapes[name] = ("n_a", f"{n_h} + {n_in}")
        elif "n_y" not in shape:
            shapes[name] = shape
    return shapes


def extent(size: Size, sizes: Mapping[str, int]) -> int:
    """The number that a symbolic size stands for: `extent("n_a + n_x", {"n_a": 5, "n_x": 3}) == 8`."""
    if isinstance(size, int):
        return size
    return sum(prod(sizes[factor] for factor in term.split()) for term in size.split(" + "))


def in_symbols(shape: Shape) -> str:
    """A symbolic shape as Python writes a tuple: `(n_a, 1)`."""
    return f"({', '.join(map(str, shape))})"
