"""The kinds of networks, and the functions of each: arguments, outputs, caches, and their shapes in symbols.

`NETWORKS` is the only table of kinds. docs/architecture.md says what a further kind needs beside an entry
here, such as its equations. `CONTRACTS` is the only table of shapes: validation, the drawing of problems and
the laws on shapes read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
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


NEVER_ZERO = ("n_a", "n_y", "n_p")
"""The sizes that must be at least 1: the hidden units, the classes, and the units of a projection."""

STATE: Shape = ("n_a", "m")
STATES: Shape = ("n_a", "m", "T_x")


@dataclass(frozen=True)
class Contract:
    """The arguments, outputs and cache entries of a function, in order.

    `last_arguments` are the names of the arguments of a call that follow the arrays in `arguments`.
    `results` are the names of what a call returns: the outputs of a forward pass, then its caches, if any.
    A backward pass takes the cache that its forward pass returns, and returns a dict of its outputs. The
    backward pass of a layer takes the inputs of its forward pass instead. It returns a tuple: its outputs,
    then a list of dicts with the gradients with respect to parameters.
    """

    name: str
    arguments: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    results: tuple[str, ...]
    cache: Mapping[str, Shape] = field(default_factory=dict)
    last_arguments: tuple[str, ...] = ("parameters",)
    cell: str = ""
    """The cell that the function calls at each step; empty for cells, and for layers, which need none."""

    @property
    def kind(self) -> Kind:
        """The kind of network."""
        return kind_in(self.name)

    @property
    def network(self) -> Network:
        """The parameters, states and gates of the network."""
        return NETWORKS[self.kind]

    @property
    def is_cell(self) -> bool:
        """Whether the function computes one step."""
        return "_cell" in self.name

    @property
    def is_layer(self) -> bool:
        """Whether the function computes whole layers, which have no prediction head."""
        return "_layer" in self.name

    @property
    def is_backward(self) -> bool:
        """Whether the function computes gradients."""
        return self.name.endswith("_backward")

    @property
    def sizes(self) -> tuple[str, ...]:
        """The symbols of the sizes of a call, without the numbers of layers and directions."""
        head, time = ("n_y",) * (not self.is_layer), ("T_x",) * (not self.is_cell)
        return ("n_x", "n_a", *head, "m", *time)

    @property
    def fixed_sizes(self) -> Mapping[str, int]:
        """The sizes that every problem of the function has: a cell takes one step."""
        return {} if "T_x" in self.sizes else {"T_x": 1}

    @property
    def problem_kind(self) -> str:
        """The kind of the problems for the function: `"rnn"`, `"lstm"`, `"rnn_layer"` or `"lstm_layer"`."""
        return f"{self.kind}_layer" if self.is_layer else self.kind

    @property
    def forward(self) -> str:
        """The forward pass of a backward pass; otherwise the function itself."""
        name = self.name.replace("_backward", "_forward")
        return name if name in CONTRACTS else self.problem_kind

    @property
    def source(self) -> str:
        """The function whose mistake this function may inherit.

        It is the cell that the function calls; for the gradients of layers, their forward pass.
        """
        return self.cell or self.forward

    @property
    def returns_caches(self) -> bool:
        """Whether the last result is a cache, or the caches of all steps."""
        return self.results[-1] in ("cache", "caches")

    @property
    def parameters(self) -> Mapping[str, Shape]:
        """The parameters of the function, with their shapes."""
        return self.network.parameters


def gradient_shapes(parameters: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shapes of the gradients with respect to all parameters except those of the head."""
    return {f"d{name}": shape for name, shape in parameters.items() if "n_y" not in shape}


_X: Shape = ("n_x", "m", "T_x")
_XT: Shape = ("n_x", "m")
_LAYER_STATES: Shape = ("D n_h", "m", "T_x")
_LAYER_STATE: Mapping[str, Shape] = {"a": ("L D", "n_h", "m"), "c": ("L D", "n_a", "m")}


def _contracts(kind: Kind) -> Iterator[Contract]:
    """The contracts of all functions of a kind of network."""
    network = NETWORKS[kind]
    gradients = gradient_shapes(network.parameters)

    def each(name: str) -> dict[str, Shape]:
        """A name with each state's letter in place of `?`, as the name of an array of one step."""
        return {name.replace("?", letter): STATE for letter in network.states}

    def last(name: str) -> dict[str, Shape]:
        return {name.replace("?", letter): _LAYER_STATE[letter] for letter in network.states}

    cache = {**each("?_next"), **each("?_prev"), **dict.fromkeys(network.gates.values(), STATE), "xt": _XT}
    y: dict[str, Shape] = {network.predictions: ("n_y", "m", "T_x")}
    states = dict.fromkeys(network.states, STATES)
    step = {**each("?_next"), "yt_pred": ("n_y", "m")}
    sequence = {"a": STATES, **y, **states}
    layers = {"a": _LAYER_STATES, **last("?_last")}
    step_back = {"dxt": _XT, **each("d?_prev"), **gradients}
    sequence_back = {"dx": _X, "da0": STATE, **gradients}
    layers_back = {"dx": _X, **last("d?0")}
    given = {"x": _X, **last("?0")}
    cells = [f"{kind}_cell_{way}" for way in ("forward", "backward")]
    of_layer = ("parameters", "options")
    yield Contract(cells[0], {"xt": _XT, **each("?_prev")}, step, (*step, "cache"), cache)
    yield Contract(
        f"{kind}_forward", {"x": _X, "a0": STATE}, sequence, (*sequence, "caches"), cache, cell=cells[0]
    )
    yield Contract(f"{kind}_layer", given, layers, (*layers,), {}, of_layer)
    yield Contract(cells[1], each("d?_next"), step_back, ("gradients",), cache, ("cache",))
    yield Contract(
        f"{kind}_backward", {"da": STATES}, sequence_back, ("gradients",), cache, ("caches",), cells[1]
    )
    yield Contract(
        f"{kind}_layer_backward",
        {"da": _LAYER_STATES, **last("d?_last"), **given},
        layers_back,
        (*layers_back, "gradients"),
        {},
        of_layer,
    )


CONTRACTS: Mapping[str, Contract] = {
    contract.name: contract
    for contract in sorted(
        (contract for kind in NETWORKS for contract in _contracts(kind)),
        key=lambda each: (each.is_backward, each.is_layer),
    )
}
"""The contract of each function, by name.

L is the number of layers, and D the number of directions; n_h is n_p with a projection, otherwise n_a.
"""


FUNCTIONS, LAYERS, BACKWARDS, LAYERS_BACKWARD = (
    tuple(name for name, each in CONTRACTS.items() if (each.is_layer, each.is_backward) == group)
    for group in ((False, False), (True, False), (False, True), (True, True))
)
"""The names of the four functions, the layers, the backward passes of the four, and those of the layers."""

SEQUENCE_FORWARDS, SEQUENCE_BACKWARDS = (
    tuple(name for name in names if CONTRACTS[name].cell) for names in (FUNCTIONS, BACKWARDS)
)

OPTIONS: Mapping[str, str] = {
    "directions": "D, 1 or 2: forward, or forward and backward (default 1)",
    "lengths": "(m,) whole numbers from 1 to T_x, the steps of each sample (default: all T_x)",
    "activation": '"tanh" or "relu", of an RNN (default "tanh")',
}
"""The keys of a layer's `options`; the texts describe their values."""


def direction_shapes(kind: Kind, layer: int, projected: bool) -> dict[str, Shape]:
    """The shapes of the parameters of one direction of layer number `layer`, from 0.

    The parameters are those of a cell without its head, and `Wp` if the hidden state is `projected`. A layer
    above the first takes the hidden states of all directions of the layer below.
    """
    n_h, n_in = ("n_p" if projected else "n_a"), ("D n_h" if layer else "n_x")
    shapes: dict[str, Shape] = {"Wp": ("n_p", "n_a")} if projected else {}
    for name, shape in NETWORKS[kind].parameters.items():
        if name == "Wax":
            shapes[name] = ("n_a", n_in)
        elif shape == GATE_WEIGHT:
            shapes[name] = ("n_a", f"{n_h} + {n_in}")
        elif "n_y" not in shape:
            shapes[name] = shape
    return shapes


def extent(size: Size, sizes: Mapping[str, int]) -> int:
    """The number for a symbolic size: `extent("n_a + n_x", {"n_a": 5, "n_x": 3}) == 8`."""
    if isinstance(size, int):
        return size
    return sum(prod(sizes[factor] for factor in term.split()) for term in size.split(" + "))


def extents(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The numbers for a symbolic shape."""
    return tuple(
        [sizes[size] if isinstance(size, str) and size in sizes else extent(size, sizes) for size in shape]
    )


def shape_text(shape: Shape) -> str:
    """A symbolic shape in the notation of Python's tuples: `(n_a, 1)`."""
    return f"({', '.join(map(str, shape))})"
