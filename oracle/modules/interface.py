"""The classes that modules replace, the user's options for a module, and the sizes of a module."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from reference.contract import Array, Kind, direction_shapes, extents


class UnusableModule(Exception):  # noqa: N818
    """A module cannot be judged; the message says why, and which options of the command would help.

    Attributes
    ----------
    why
        The reason, without the options.
    stage
        0 if the weights were not understood, 1 if the call was not, 2 if the order of the gates was not.
    fixed
        The arguments of the constructor that the user should state, each with a value, or with `"…"`.
    gates
        An order of the gates that the user can state.
    """

    def __init__(
        self, why: str, *, stage: int = 0, fixed: Sequence[tuple[str, str]] = (), gates: str = ""
    ) -> None:
        super().__init__(why)
        self.why, self.stage, self.fixed, self.gates = why, stage, fixed, gates

    def __str__(self) -> str:
        fixed = " ".join(f"--with {name}={value}" for name, value in self.fixed)
        return self._advised(fixed, f"--gates {self.gates}")

    @property
    def in_python(self) -> str:
        """The message with arguments of `oracle.modules.like` in place of options of the command."""
        fixed = ", ".join(f'"{name}": {value}' for name, value in self.fixed)
        return self._advised(f"fixed={{{fixed}}}", f'gates="{self.gates}"')

    def _advised(self, fixed: str, gates: str) -> str:
        advice = fixed if self.fixed else f"state the order by {gates}, if that is it" if self.gates else ""
        return f"{self.why}: {advice}" if advice else self.why


@dataclass(frozen=True)
class Interface:
    """A class of a framework that modules replace."""

    name: str
    kind: Kind

    @property
    def own_class(self) -> Any:
        """The class itself; `None` if its framework was not imported."""
        framework, _, name = self.name.rpartition(".")
        return getattr(sys.modules.get(framework), name, None)

    @property
    def is_cell(self) -> bool:
        """Whether a call takes one step."""
        return self.name.endswith("Cell")

    @property
    def gates(self) -> str:
        """The letters of the gates; `"r"` stands for the only gate of an RNN."""
        return "fico" if self.kind == "lstm" else "r"

    @property
    def network(self) -> str:
        """The network in words."""
        return "an LSTM" if self.kind == "lstm" else "an RNN"


_OF_KIND: Mapping[Kind, Sequence[str]] = {
    "lstm": ("torch.nn.LSTM", "torch.nn.LSTMCell", "keras.layers.LSTM"),
    "rnn": ("torch.nn.RNN", "torch.nn.RNNCell", "keras.layers.SimpleRNN"),
}
INTERFACES = {name: Interface(name, kind) for kind, names in _OF_KIND.items() for name in names}


@dataclass(frozen=True)
class ModuleOptions:
    """The user's options for a module. Raises `UnusableModule` if one is wrong.

    Attributes
    ----------
    like, converts
        The key of `INTERFACES` that the target replaces, or whose modules the target converts.
    fixed
        Arguments of the constructor that are the same for all sizes.
    gates
        The order in which the module stacks its gates, `"ifgo"`. If one weight acts on the input x and the
        hidden state h, their order may come first: `"xh:ifgo"`.
    device
        The device on which the module computes.
    """

    like: str = ""
    converts: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    gates: str = ""
    device: str = "cpu"

    def __post_init__(self) -> None:
        for name in filter(None, (self.like, self.converts)):
            if name not in INTERFACES:
                raise UnusableModule(f"{name} is none of {', '.join(INTERFACES)}")
        order, gates = self.orders
        if order not in ("", "xh", "hx") or (gates and sorted(gates) != sorted("fico")):
            raise UnusableModule(f"--gates {self.gates} is no order of gates, such as ifgo or xh:ifgo")

    @property
    def orders(self) -> tuple[str, str]:
        """The order of input and hidden state, and of the gates in the letters of the specification."""
        order, _, gates = self.gates.rpartition(":")
        return order, gates.replace("g", "c")


@dataclass(frozen=True)
class Sizes:
    """The sizes and options of one module. `n_p` is 0 without a projection."""

    n_x: int = 5
    n_a: int = 7
    layers: int = 1
    directions: int = 1
    n_p: int = 0
    activation: str = "tanh"

    @property
    def n_h(self) -> int:
        """The units of the hidden state."""
        return self.n_p or self.n_a

    @property
    def places(self) -> int:
        """The number of dicts of parameters."""
        return self.layers * self.directions


@lru_cache(maxsize=64)
def numbered(kind: Kind, sizes: Sizes) -> list[dict[str, Array]]:
    """Parameters whose entries are their own indices in `flat` parameters."""
    symbols = {"n_x": sizes.n_x, "n_a": sizes.n_a, "n_h": sizes.n_h, "n_p": sizes.n_p, "D": sizes.directions}
    places, start = [], 1
    for k in range(sizes.places):
        p = {}
        for name, shape in sorted(direction_shapes(kind, k // sizes.directions, sizes.n_p > 0).items()):
            numbers = extents(shape, symbols)
            p[name] = np.arange(start, start + np.prod(numbers, dtype=int)).reshape(numbers)
            start += p[name].size
        places.append(p)
    return places


def flat(parameters: Sequence[Mapping[str, Array]]) -> Array:
    """All entries of parameters in one array, which begins with a 0; index 0 stands for no parameter."""
    entries = [p[name].ravel() for p in parameters for name in sorted(p)]
    return np.concatenate([np.zeros(1, entries[0].dtype), *entries])


_REFUSAL = re.compile(
    r"(?i)not (yet |currently )?(support|implement|allow|available)|unsupported|unimplemented"
    r"|only support|unexpected keyword|must be sorted"
)


def is_refusal(error: BaseException) -> bool:
    """Whether an error says in words that something is not supported."""
    return isinstance(error, NotImplementedError) or bool(_REFUSAL.search(str(error)))


def one_line(error: BaseException) -> str:
    """An error of the user's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
