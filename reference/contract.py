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
    """The arguments (without those of `at_last`), outputs and cell cache of one function, in order.

    A backward pass is given the cache that its forward pass returns, and returns a dict whose keys are its
    outputs. That of a layer is given the inputs instead, and returns a tuple: its outputs, then a list of
    such dicts.
    """

    name: str
    kind: Kind
    is_cell: bool
    arguments: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    cache: Mapping[str, Shape]

    @property
    def is_layer(self) -> bool:
        """Whether it takes a list of parameters, for layers and directions; it has no head and no cache."""
        return "_layer" in self.name

    @property
    def is_backward(self) -> bool:
        """Whether it computes gradients."""
        return self.name.endswith("_backward")

    @property
    def posed_as(self) -> str:
        """The kind of problem that is posed to it: its network, or whole layers of it."""
        return f"{self.kind}_layer" if self.is_layer else self.kind

    @property
    def at_last(self) -> tuple[str, ...]:
        """What a call takes after the arguments."""
        if self.is_layer:
            return ("parameters", "options")
        if self.is_backward:
            return ("cache",) if self.is_cell else ("caches",)
        return ("parameters",)

    @property
    def cell(self) -> str:
        """The function that takes one step of this network, in the same direction."""
        return f"{self.kind}_cell_{'backward' if self.is_backward else 'forward'}"

    @property
    def forward(self) -> str:
        """The forward pass whose gradients it computes, or itself."""
        if self.is_layer:
            return self.posed_as
        return self.name.replace("backward", "forward")

    @property
    def parameters(self) -> Mapping[str, Shape]:
        """The parameters that the function takes."""
        return PARAMETERS[self.kind]


_RNN_CACHE: Mapping[str, Shape] = {"a_next": STATE, "a_prev": STATE, "xt": ("n_x", "m")}
_LSTM_CACHE: Mapping[str, Shape] = {
    **dict.fromkeys(("a_next", "c_next", "a_prev", "c_prev", "ft", "it", "cct", "ot"), STATE),
    "xt": ("n_x", "m"),
}


def gradients(parameters: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes of the gradients of a loss by parameters, without those of the head."""
    return {f"d{name}": shape for name, shape in parameters.items() if "n_y" not in shape}


_BY_RNN, _BY_LSTM = (gradients(parameters) for parameters in PARAMETERS.values())
_LAYER_X: Shape = ("n_x", "m", "T_x")
_LAYER_A: Shape = ("L D", "n_h", "m")
_LAYER_C: Shape = ("L D", "n_a", "m")

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
            arguments={"x": _LAYER_X, "a0": _LAYER_A},
            outputs={"a": ("D n_h", "m", "T_x"), "a_last": _LAYER_A},
            cache={},
        ),
        Contract(
            "lstm_layer",
            "lstm",
            False,
            arguments={"x": _LAYER_X, "a0": _LAYER_A, "c0": _LAYER_C},
            outputs={"a": ("D n_h", "m", "T_x"), "a_last": _LAYER_A, "c_last": _LAYER_C},
            cache={},
        ),
        Contract(
            "rnn_cell_backward",
            "rnn",
            True,
            arguments={"da_next": STATE},
            outputs={"dxt": ("n_x", "m"), "da_prev": STATE, **_BY_RNN},
            cache=_RNN_CACHE,
        ),
        Contract(
            "rnn_backward",
            "rnn",
            False,
            arguments={"da": STATES},
            outputs={"dx": ("n_x", "m", "T_x"), "da0": STATE, **_BY_RNN},
            cache=_RNN_CACHE,
        ),
        Contract(
            "lstm_cell_backward",
            "lstm",
            True,
            arguments={"da_next": STATE, "dc_next": STATE},
            outputs={"dxt": ("n_x", "m"), "da_prev": STATE, "dc_prev": STATE, **_BY_LSTM},
            cache=_LSTM_CACHE,
        ),
        Contract(
            "lstm_backward",
            "lstm",
            False,
            arguments={"da": STATES},
            outputs={"dx": ("n_x", "m", "T_x"), "da0": STATE, **_BY_LSTM},
            cache=_LSTM_CACHE,
        ),
        Contract(
            "rnn_layer_backward",
            "rnn",
            False,
            arguments={
                "da": ("D n_h", "m", "T_x"),
                "da_last": _LAYER_A,
                "x": _LAYER_X,
                "a0": _LAYER_A,
            },
            outputs={"dx": _LAYER_X, "da0": _LAYER_A},
            cache={},
        ),
        Contract(
            "lstm_layer_backward",
            "lstm",
            False,
            arguments={
                "da": ("D n_h", "m", "T_x"),
                "da_last": _LAYER_A,
                "dc_last": _LAYER_C,
                "x": _LAYER_X,
                "a0": _LAYER_A,
                "c0": _LAYER_C,
            },
            outputs={"dx": _LAYER_X, "da0": _LAYER_A, "dc0": _LAYER_C},
            cache={},
        ),
    )
}
"""By name. There are L layers in D directions; n_h is n_p where the hidden state is projected, else n_a."""


def _named(*, is_layer: bool, is_backward: bool) -> tuple[str, ...]:
    kind = (is_layer, is_backward)
    return tuple(name for name, each in CONTRACTS.items() if (each.is_layer, each.is_backward) == kind)


FUNCTIONS = _named(is_layer=False, is_backward=False)
"""The four forward passes: a cell and a sequence of each network, with head and caches."""

LAYERS = _named(is_layer=True, is_backward=False)

BACKWARDS = _named(is_layer=False, is_backward=True)
"""The backward passes of the four functions, which a target may have."""

LAYERS_BACKWARD = _named(is_layer=True, is_backward=True)

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
    if size in sizes:  # most are plain symbols; to read a sum or product takes three times as long
        return sizes[size]
    return sum(prod(sizes[factor] for factor in term.split()) for term in size.split(" + "))


def in_symbols(shape: Shape) -> str:
    """A symbolic shape as Python writes a tuple: `(n_a, 1)`."""
    return f"({', '.join(map(str, shape))})"
