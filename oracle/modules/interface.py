"""What a module stands for, what the user says of it, and the sizes in which it is built."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from reference.contract import Array, Kind, extent, of_one_direction


class UnusableModule(Exception):  # noqa: N818
    """A module that cannot be judged; the message is one line that says what to do.

    `stage` counts what was understood before: nothing, the shapes of the weights, the call.
    """

    def __init__(self, message: str, stage: int = 0) -> None:
        super().__init__(message)
        self.stage = stage


@dataclass(frozen=True)
class Interface:
    """A class of a framework for which modules stand: its name, its network, and whether it is a cell."""

    name: str
    kind: Kind
    is_cell: bool = False


INTERFACES: Mapping[str, Interface] = {
    each.name: each
    for each in (
        Interface("torch.nn.LSTM", "lstm"),
        Interface("torch.nn.RNN", "rnn"),
        Interface("torch.nn.LSTMCell", "lstm", is_cell=True),
        Interface("torch.nn.RNNCell", "rnn", is_cell=True),
    )
}


@dataclass(frozen=True)
class ModuleOptions:
    """What the user says of a module.

    Attributes
    ----------
    like
        The key of `INTERFACES` for which the target stands; empty where the target itself tells.
    fixed
        Arguments of the constructor, the same for every size.
    converts
        The key of `INTERFACES` whose modules the target, a function, converts.
    gates
        The order in which the module stacks its gates, where its names do not tell: `"ifgo"`. Before it may
        stand the order in which one weight acts on input x and hidden state h: `"xh:ifgo"`.
    device
        Where the module computes: `"cpu"`, `"cuda"`.
    """

    like: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    converts: str = ""
    gates: str = ""
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in filter(None, (self.like, self.converts)):
            if name not in INTERFACES:
                raise UnusableModule(f"{name} is none of {', '.join(INTERFACES)}")
        order, _, gates = self.gates.rpartition(":")
        if order not in ("", "xh", "hx") or (gates and sorted(gates.replace("c", "g")) != sorted("ifgo")):
            raise UnusableModule(f"--gates {self.gates} is no order of gates, such as ifgo or xh:ifgo")

    @property
    def order_of_gates(self) -> str:
        """The gates in the letters of the specification; empty where the user does not say."""
        return self.gates.rpartition(":")[2].replace("g", "c")

    @property
    def joined_order(self) -> str:
        """The order of the input and the hidden state; empty where the user does not say."""
        return self.gates.rpartition(":")[0]


@dataclass(frozen=True)
class Sizes:
    """How large a module is built. `n_p` is 0 without a projection."""

    n_x: int
    n_a: int
    layers: int = 1
    directions: int = 1
    n_p: int = 0
    activation: str = "tanh"

    @property
    def n_h(self) -> int:
        """The units of the hidden state."""
        return self.n_p or self.n_a

    @property
    def places(self) -> list[tuple[int, int]]:
        """Every layer and direction, in the order of the parameters."""
        return [(layer, d) for layer in range(self.layers) for d in range(self.directions)]


def numbered(kind: Kind, sizes: Sizes) -> list[dict[str, Array]]:
    """Parameters whose entries count up from 1, in the order of `flat`: so they tell where each goes."""
    symbols = {"n_x": sizes.n_x, "n_a": sizes.n_a, "n_h": sizes.n_h, "n_p": sizes.n_p, "D": sizes.directions}
    places, start = [], 1
    for layer, _ in sizes.places:
        p = {}
        for name, shape in sorted(of_one_direction(kind, layer, sizes.n_p > 0).items()):
            extents = tuple(extent(size, symbols) for size in shape)
            count = int(np.prod(extents))
            p[name] = np.arange(start, start + count).reshape(extents)
            start += count
        places.append(p)
    return places


def flat(parameters: Any) -> Array:
    """All entries of parameters in one array, after a 0: entry k of `numbered` is at place k."""
    entries = [p[name].ravel() for p in parameters for name in sorted(p)]
    return np.concatenate([np.zeros(1, entries[0].dtype), *entries])


_REFUSALS = re.compile(
    r"(?i)not (yet |currently )?(support|implement|allow|available)|unsupported|unimplemented"
    r"|(does ?n[o']t|cannot|no) support|only support|unexpected keyword|not supported"
)


def is_refusal(error: BaseException) -> bool:
    """Whether an error says in words that something is not supported."""
    return isinstance(error, NotImplementedError) or bool(_REFUSALS.search(str(error)))


def one_line(error: BaseException) -> str:
    """An error of foreign code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
