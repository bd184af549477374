"""The classes that modules replace, the user's options for a module, and the sizes of a module."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reference.contract import Kind

Shape = tuple[int, ...]

SCOPE = "only simple RNNs and LSTMs are judged; code in another form needs an adapter, see docs/adapters.md"
"""What a message says about a target that is no such network, or cannot be called as one."""


class UnusableModule(Exception):  # noqa: N818
    """A module cannot be judged.

    `why` is the reason, and `advice` has options of the command that may help. `stage` is 0 if the weights
    were not understood, 1 if no call works, 2 if the order of the gates is unknown.
    """

    def __init__(self, why: str, advice: str = "", stage: int = 0) -> None:
        super().__init__(f"{why}: {advice}" if advice else why)
        self.why, self.advice, self.stage = why, advice, stage


class WrongModule(Exception):  # noqa: N818
    """The weights or the answer of a module are not those of a recurrent layer, so the module is wrong."""


class Interface(NamedTuple):
    """A class of a framework that modules replace. A call of a cell takes one step."""

    name: str
    kind: Kind
    framework: str
    is_cell: bool

    @property
    def own_class(self) -> Any:
        """The class itself; `None` if its framework was not imported."""
        package, _, name = self.name.rpartition(".")
        return getattr(sys.modules.get(package), name, None)


_TORCH = [f"torch.nn.{name}" for name in ("LSTM", "LSTMCell", "RNN", "RNNCell")]
INTERFACES = {
    name: Interface(name, "lstm" if "LSTM" in name else "rnn", name.partition(".")[0], name.endswith("Cell"))
    for name in (*_TORCH, "keras.layers.LSTM", "keras.layers.SimpleRNN")
}


@dataclass(frozen=True)
class ModuleOptions:
    """The user's options for a module. Raises `UnusableModule` if one is wrong.

    `like` names the interface (a key of `INTERFACES`) that the target replaces. For a converter, `converts`
    names the interface whose modules it converts, in place of `like`. `fixed` are arguments of the
    constructor that are the same for all sizes. `gates` is the order in which the module stacks its gates,
    `"ifgo"`; if one weight acts on the input x and the hidden state h, their order may come first,
    `"xh:ifgo"`. The module computes on `device`.
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
        if order not in ("", "xh", "hx") or (gates and sorted(gates) != sorted("figo")):
            raise UnusableModule(f"--gates {self.gates} is no order of gates, such as ifgo or xh:ifgo")

    @property
    def orders(self) -> tuple[str, str]:
        """Return the order of input and hidden state, and the order of the gates; empty if not stated."""
        order, _, gates = self.gates.rpartition(":")
        return order, gates.replace("c", "g")


@dataclass(frozen=True)
class Sizes:
    """The sizes and options of one module. `n_p` is 0 without a projection.

    The default sizes n_x and n_a are distinct primes, so that the shape of a weight tells which sizes it has.
    """

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
    def n_parameter_dicts(self) -> int:
        """The number of dicts of parameters."""
        return self.layers * self.directions

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of torch's constructor that are not the numbers of features and units."""
        names = ("num_layers", "bidirectional", "proj_size", "nonlinearity")
        return dict(zip(names, (self.layers, self.directions == 2, self.n_p, self.activation)))


_REFUSAL = re.compile(
    r"(?i)not (yet |currently )?(support|implement|allow|available)|unsupported|unimplemented"
    r"|only support|(unexpected|unrecognized) keyword|missing (\d+ required|value for)|must be sorted"
    r"|does not require grad"
)


def refusal(error: BaseException) -> str:
    """Return the error in one line if it is a refusal, such as "not supported"; otherwise `""`."""
    if isinstance(error, UnusableModule):
        return error.why
    is_refusal = isinstance(error, NotImplementedError) or _REFUSAL.search(str(error))
    return one_line(error) if is_refusal else ""


def one_line(error: BaseException) -> str:
    """Return an error of the user's code in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
