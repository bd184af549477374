"""Builds modules of any size: finds the arguments of a constructor for sizes and options."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Optional

from oracle.modules.interface import Interface, ModuleOptions, Sizes, UnusableModule, one_line

_SIZES = (
    re.compile(
        r"(in|input|inp|embed|emb|embedding)_?(size|dim|sz|features|channels)|n_?(in|inputs?|inp|x|features)"
        r"|num_(inputs|features)|feature_size|d_in"
    ),
    re.compile(
        r"(hidden|hid|out|output|h|state)_?(size|dim|sz|features|channels|units)|n_?(hidden|hid|a|units)"
        r"|num_(hiddens?|units)|hidden|units|d_hidden"
    ),
)
"""The usual names of the arguments for the sizes of the input and of the hidden state."""
_SYNONYMS = {
    "num_layers": ["n_layers", "nlayers", "num_layer", "layers"],
    "bidirectional": ["is_bidirectional"],
}
_DEFAULTS = {"num_layers": 1, "bidirectional": False, "proj_size": 0, "nonlinearity": "tanh"}
_NONE = "its constructor has no argument for it"
_ANY_NAME, _MORE = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL


@dataclass
class Built:
    """A module, its weights by name, and, after the first call, the object to call."""

    module: Any
    weights: Mapping[str, Any]
    called: Any = None


class Factory:
    """Builds modules of torch by a class or a function.

    Attributes
    ----------
    interface
        The class that the modules replace.
    names
        The name of the argument for each option of torch's constructor that the modules have.
    batch_first
        Whether the modules take the batch first; `None` if this is unknown.
    tried
        The sizes of trial modules: distinct primes, so that a shape determines which sizes it has.
    trained
        Whether the target is one trained module, with these sizes and its own weights.
    in_training
        Whether modules are in training mode.
    shares
        Whether the object to call uses later changes of the module's weights.
    """

    tried = Sizes()
    trained = False
    in_training = False
    shares = True
    batch_first: Optional[bool] = None  # noqa: UP045

    def __init__(self, make: Callable[..., Any], interface: Interface, stated: ModuleOptions) -> None:
        self.interface = interface
        self.device = stated.device
        self._make, self._fixed = make, dict(stated.fixed)
        given = {each.name: each for each in _parameters(make)}
        kinds = {each.kind for each in given.values()}
        if _ANY_NAME not in kinds:
            _check_names(self._fixed, given)
        self._free = {name: each for name, each in given.items() if name not in self._fixed}
        self.names: dict[str, str] = {}
        for option in ("num_layers", "bidirectional", "proj_size", "nonlinearity", "batch_first", "bias"):
            named = [name for name in (option, *_SYNONYMS.get(option, ())) if name in self._free]
            if named or (_ANY_NAME in kinds and option not in self._fixed):
                self.names[option] = named[0] if named else option
        self.batch_first = self._fixed.get("batch_first", False if "batch_first" in self._free else None)
        self._sizes = [] if _MORE in kinds else self._names_of_sizes()

    def _names_of_sizes(self) -> list[str]:
        """The names of the arguments for n_x and n_a; empty if their names are unknown."""
        found = [next((name for name in self._free if names.fullmatch(name)), "") for names in _SIZES]
        ordinary = [each for each in self._free.values() if each.kind is not _ANY_NAME]
        required = [each.name for each in ordinary if each.default is each.empty]
        sizes = found if all(found) else required[:2]
        for name in required:
            if name not in (*sizes, *self.names.values()):
                needs = f"its constructor needs {name}, of which {self.interface.name} has nothing"
                raise UnusableModule(needs, fixed=[(name, "…")])
        if len(sizes) < 2:
            raise UnusableModule("its constructor does not take the sizes of the input and the hidden state")
        return found if all(found) else []

    def why_lacking(self, option: str) -> str:
        """The reason why the modules lack an option, with arguments that may be another name of it."""
        if option in self._fixed:
            return f"{option}={self._fixed[option]!r} is fixed"
        known = {*self.names.values(), *self._sizes}
        default = repr(_DEFAULTS[option])
        others = [
            name for name, each in self._free.items() if repr(each.default) == default and name not in known
        ]
        return f"its constructor has no {option}, but {', '.join(others)}" if others else _NONE

    def advised(self, error: UnusableModule) -> UnusableModule:
        """The error with the arguments that the user fixed, which may be its cause."""
        fixed = ", ".join(f"{name}={value!r}" for name, value in self._fixed.items())
        why = f"{error.why}, made with {fixed}" if fixed else error.why
        return UnusableModule(why, stage=error.stage, fixed=error.fixed, gates=error.gates)

    def made(self, sizes: Sizes) -> Any:
        """A module of these sizes. Raises the errors of the constructor."""
        values = {
            "num_layers": sizes.layers,
            "bidirectional": sizes.directions == 2,
            "proj_size": sizes.n_p,
            "nonlinearity": sizes.activation,
            "batch_first": False,
            "bias": True,
        }
        named = {
            self.names.get(option, option): value
            for option, value in values.items()
            if self.names.get(option) in self._free or value != _DEFAULTS.get(option, value)
        }
        both = (sizes.n_x, sizes.n_a)
        if self._sizes:
            return self._make(**{**dict(zip(self._sizes, both)), **named, **self._fixed})
        return self._make(*both, **{**named, **self._fixed})

    def ready(self, sizes: Sizes, dtype: str) -> Any:
        """A module of these sizes in a precision, on the device.

        Raises the errors of the constructor, and `TypeError` if it returns no module.
        """
        torch, made = sys.modules["torch"], self.made(sizes)
        if not isinstance(made, torch.nn.Module):
            raise TypeError(f"{type(made).__name__} is no torch.nn.Module")
        return made.to(device=self.device, dtype=getattr(torch, dtype))

    def built(self, sizes: Sizes, dtype: str) -> Built:
        """The module of `ready` with its weights, cached by sizes, precision and mode."""
        return self._built(sizes, dtype, self.in_training)

    @cached_property
    def _built(self) -> Callable[[Sizes, str, bool], Built]:
        def build(sizes: Sizes, dtype: str, in_training: bool) -> Built:
            module = self.ready(sizes, dtype).train(in_training)
            return Built(module, self.weights(module))

        return lru_cache(maxsize=64)(build)

    def weights(self, module: Any) -> dict[str, Any]:
        """The parameters by their names in the state dict, or else in the module."""
        stored = module.state_dict(keep_vars=True)
        named = {name: each for name, each in stored.items() if getattr(each, "requires_grad", False)}
        known = {id(each) for each in named.values()}
        return {**named, **{name: each for name, each in module.named_parameters() if id(each) not in known}}

    def called(self, module: Any) -> Any:
        """The object to call, for a module with its weights."""
        return module


class Converter(Factory):
    """Builds modules of the interface's own class, which a function converts."""

    def __init__(self, convert: Callable[[Any], Any], interface: Interface, stated: ModuleOptions) -> None:
        super().__init__(interface.own_class, interface, stated)
        self._convert = convert

    def called(self, module: Any) -> Any:
        """The converted module. Raises `TypeError` if it cannot be called."""
        converted = self._convert(module)
        if not callable(converted):
            raise TypeError(f"the converter returned {type(converted).__name__}, expected a module")
        return converted


class Trained(Factory):
    """Copies one trained module; all other sizes are refused."""

    trained = True

    def __init__(self, module: Any, interface: Interface, stated: ModuleOptions) -> None:
        def of(name: str, default: Any = None) -> Any:
            return stated.fixed.get(name, getattr(module, name, default))

        self.interface, self.device, self.names = interface, stated.device, {}
        _check_names(stated.fixed, ("input_size", "hidden_size", "batch_first", *_DEFAULTS))
        self._module, self.batch_first = module, of("batch_first")
        n_x, n_a = of("input_size"), of("hidden_size")
        if type(n_x) is not int or type(n_a) is not int:
            sizes = [("input_size", "…"), ("hidden_size", "…")]
            raise UnusableModule("its sizes are not known", fixed=sizes)
        layers, directions = of("num_layers", 1), 1 + bool(of("bidirectional"))
        activation = of("nonlinearity", "tanh")
        self._unknown = [(name, "…") for name in ("num_layers", "bidirectional") if of(name) is None]
        self.tried = Sizes(n_x, n_a, layers, directions, of("proj_size", 0), activation)

    def advised(self, error: UnusableModule) -> UnusableModule:
        """The error with the options that the attributes of the module do not tell."""
        return UnusableModule(error.why, stage=error.stage, fixed=error.fixed or self._unknown)

    def made(self, sizes: Sizes) -> Any:
        """A copy of the module. Raises `NotImplementedError` for other sizes."""
        if sizes != self.tried:
            raise NotImplementedError("the sizes of the module are fixed")
        return deepcopy(self._module)


class KerasFactory(Factory):
    """Builds layers of Keras on torch: the constructor takes the units, `build` the number of features."""

    batch_first = True

    def __init__(self, make: Callable[..., Any], interface: Interface, stated: ModuleOptions) -> None:
        if sys.modules["keras"].backend.backend() != "torch":
            raise UnusableModule(
                "Keras does not run on torch: set the environment variable KERAS_BACKEND=torch"
            )
        self.interface, self.device, self._make = interface, stated.device, make
        self._free, self._sizes = {}, []
        takes_activation = any(
            each.name == "activation" or each.kind is _ANY_NAME for each in _parameters(make)
        )
        self.names = {"nonlinearity": "activation"} if takes_activation else {}
        self._fixed = {"return_sequences": True, "return_state": True, **stated.fixed}

    def ready(self, sizes: Sizes, dtype: str) -> Any:
        """A layer of these sizes in a precision."""
        activation = {} if sizes.activation == "tanh" else {"activation": sizes.activation}
        layer = self._make(sizes.n_a, dtype=dtype, **activation, **self._fixed)
        layer.build((None, None, sizes.n_x))
        return layer

    def weights(self, module: Any) -> dict[str, Any]:
        """The parameters by the path of the variable, without the name of the layer."""
        return {each.path.partition("/")[2]: each.value for each in module.trainable_variables}


def _check_names(fixed: Iterable[str], known: Iterable[str]) -> None:
    """Raise `UnusableModule` if the user fixes an unknown argument."""
    for name in {*fixed} - {*known}:
        close = difflib.get_close_matches(name, [*known], n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
        raise UnusableModule(f"its constructor has no argument {name}; {hint}")


def _parameters(make: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return [*inspect.signature(make).parameters.values()]
    except (TypeError, ValueError) as error:
        raise UnusableModule(f"its constructor cannot be inspected: {one_line(error)}") from None
