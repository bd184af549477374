"""Building modules of any size: which argument of a constructor is which size or option."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Optional

from oracle.modules.interface import Interface, ModuleOptions, Sizes, UnusableModule, one_line

_INPUT = (
    *(
        "input_size",
        "input_dim",
        "input_sz",
        "in_features",
        "in_dim",
        "in_size",
        "n_in",
        "n_inputs",
        "n_input",
    ),
    *(
        "num_inputs",
        "ninp",
        "nin",
        "num_features",
        "n_features",
        "feature_size",
        "embedding_dim",
        "embed_size",
    ),
    *("in_channels", "d_in", "input_channels", "inp_dim", "n_x", "emb_dim", "input_features"),
)
_HIDDEN = (
    *(
        "hidden_size",
        "hidden_dim",
        "hidden_sz",
        "n_hidden",
        "num_hidden",
        "nhid",
        "hidden",
        "n_hid",
        "hid_dim",
    ),
    *("out_features", "out_dim", "num_units", "units", "n_units", "d_hidden", "state_size", "output_size"),
    *("hidden_channels", "hidden_features", "n_a", "hidden_units", "num_hiddens", "h_dim", "dim", "hid_size"),
)
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "num_layers": ("num_layers", "n_layers", "nlayers", "num_layer", "layers", "nb_layers"),
    "bidirectional": ("bidirectional", "is_bidirectional", "bidir"),
    "proj_size": ("proj_size",),
    "nonlinearity": ("nonlinearity",),
    "batch_first": ("batch_first",),
}
_KINDS = inspect.Parameter


SINGLE = Sizes(n_x=5, n_a=7)
"""The sizes of the module that is tried: prime, so that shapes tell what they are."""


class Factory:
    """Builds modules by a class or a function.

    Attributes
    ----------
    names
        By option of torch's constructor, the name of the argument. What is not here cannot be asked.
    batch_first
        Whether the modules were asked to take the batch first; `None` where that is the module's own affair.
    tried
        The sizes in which a module is tried.
    trained
        Whether there is only the module of these sizes, and its weights count.
    shares
        Whether what is called has the weights that the module has at any time.
    """

    tried = SINGLE
    trained = False
    shares = True

    def __init__(self, make: Callable[..., Any], interface: Interface, asked: ModuleOptions) -> None:
        self._make = make
        self._interface = interface
        self._fixed = dict(asked.fixed)
        given = _parameters(make)
        self._takes_more = any(each.kind is _KINDS.VAR_POSITIONAL for each in given)
        self._takes_any = any(each.kind is _KINDS.VAR_KEYWORD for each in given)
        free = [each for each in given if each.name not in self._fixed]
        named = {each.name for each in free if each.kind is not _KINDS.POSITIONAL_ONLY}
        self.names: dict[str, str] = {}
        for option, synonyms in _OPTIONS.items():
            name = next((each for each in synonyms if each in named), "")
            if name or (self._takes_any and option not in self._fixed):
                self.names[option] = name or option
        self._stated = {option for option, name in self.names.items() if name in named}
        self.sizes = self._sizes(free, named)
        self.batch_first: Optional[bool] = self._fixed.get("batch_first")  # noqa: UP045
        if "batch_first" in self._stated:
            self.batch_first = False

    def _sizes(self, free: list[inspect.Parameter], named: set[str]) -> list[str]:
        """The names of the arguments for n_x and n_a; empty where they come first, by position."""
        found = [next((each for each in known if each in named), "") for known in (_INPUT, _HIDDEN)]
        if self._takes_more:
            return []
        required = [each for each in free if each.default is _KINDS.empty and each.kind in _ORDINARY]
        sizes = found if all(found) else [each.name for each in required[:2]]
        more = [each.name for each in required if each.name not in sizes and each.name not in self._passed]
        if more:
            name = f"its constructor needs {more[0]}, of which {self._interface.name} has nothing"
            raise UnusableModule(f"{name}: --with {more[0]}=…")
        if len(sizes) == 1:
            raise UnusableModule(
                f"its constructor takes {sizes[0]} and no other size, where {self._interface.name} takes the "
                "sizes of the input and the hidden state"
            )
        return sizes if all(found) else []

    @property
    def _passed(self) -> set[str]:
        return {self.names[option] for option in self._stated}

    def __call__(self, sizes: Sizes) -> Any:
        """A module of these sizes. Raises what the constructor raises."""
        options: dict[str, Any] = {
            "num_layers": sizes.layers,
            "bidirectional": sizes.directions == 2,
            "proj_size": sizes.n_p,
            "nonlinearity": sizes.activation,
            "batch_first": False,
        }
        usual = {"num_layers": 1, "bidirectional": False, "proj_size": 0, "nonlinearity": "tanh"}
        named = {
            self.names.get(option, option): value
            for option, value in options.items()
            if option in self._stated or value != usual.get(option, False)
        }
        named = {**named, **self._fixed}
        both = (sizes.n_x, sizes.n_a)
        if self.sizes:
            return self._make(**dict(zip(self.sizes, both)), **named)
        return self._make(*both, **named)

    def called(self, module: Any) -> Any:
        """What is called in the place of a module, once it has its weights."""
        return module


class Converter(Factory):
    """Builds the modules of the interface itself, and has a function convert each of them."""

    def __init__(self, convert: Callable[[Any], Any], interface: Interface, asked: ModuleOptions) -> None:
        super().__init__(
            getattr(sys.modules["torch"].nn, interface.name.rpartition(".")[2]), interface, asked
        )
        self._convert = convert

    def called(self, module: Any) -> Any:
        """What the function makes of a module."""
        return self._convert(module)


class Trained(Factory):
    """A module that is there, in its sizes; copies of it are filled with weights."""

    trained = True

    def __init__(self, module: Any, asked: ModuleOptions) -> None:
        def of(name: str, default: Any = None) -> Any:
            return asked.fixed.get(name, getattr(module, name, default))

        self._module = module
        self.names = {}
        self.batch_first = of("batch_first")
        n_x, n_a = of("input_size"), of("hidden_size")
        if type(n_x) is not int or type(n_a) is not int:
            raise UnusableModule("its sizes are not known: --with input_size=… --with hidden_size=…")
        layers, directions = of("num_layers", 1), 1 + bool(of("bidirectional"))
        self.tried = Sizes(n_x, n_a, layers, directions, of("proj_size", 0), of("nonlinearity", "tanh"))

    def __call__(self, sizes: Sizes) -> Any:
        """A copy of the module. Raises `NotImplementedError` for other sizes."""
        if sizes != self.tried:
            raise NotImplementedError("the sizes of the module are fixed")
        return deepcopy(self._module)


_ORDINARY = (_KINDS.POSITIONAL_ONLY, _KINDS.POSITIONAL_OR_KEYWORD, _KINDS.KEYWORD_ONLY)


def _parameters(make: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(make).parameters.values()]
    except (TypeError, ValueError) as error:
        raise UnusableModule(f"its constructor cannot be inspected: {one_line(error)}") from None
