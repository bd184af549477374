"""Builds modules of any size: finds the arguments of a constructor for sizes and options."""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from oracle.modules.interface import Interface, ModuleOptions, Shape, Sizes, UnusableModule, one_line
from oracle.modules.weights import by_the_frameworks_names, locate_tensors

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
_INITIAL_STATE = re.compile(
    r"(?i)(.*\.)?(?=[a-z_])(?=\w*(0|init|learn|start))"
    r"(init(ial)?|learn(ed|able)?|start|[ach]x?|hidden|cell|memory|states?|param|0|_)+(\.\d+)?"
)
"""The names of learned initial states: `h0`, `init_hidden`, `c_init.0`; not `biases.0` of a list."""
_DEFAULTS = Sizes().options
_NO_ARGUMENT = "its constructor has no argument for it"
_VAR_KEYWORD, _VAR_POSITIONAL = inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL


@dataclass
class BuiltModule:
    """An object to call, its weights by name, and its learned initial states by name.

    `plain` names the weights that the module had computed from other parameters, such as those of a weight
    norm, until they were made parameters.
    """

    module: Any
    weights: Mapping[str, Any]
    learned_states: Mapping[str, Any] = field(default_factory=dict)
    plain: Sequence[str] = ()

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the weights."""
        return {name: tuple(each.shape) for name, each in self.weights.items()}


class Factory:
    """Builds modules of torch by a class or a function.

    `tried` and `dtype` are the sizes and the dtype of the modules in most trial calls. If `is_trained`, the
    factory copies one trained module, which has these sizes. `missing_options` has each option of torch's
    constructor that the modules lack, with the reason. If the factory `converts_anew`, every call sets the
    weights before it converts the module.
    """

    tried, dtype, is_trained, converts_anew = Sizes(), "float64", False, False
    _fixed: Mapping[str, Any] = {}
    _free: Mapping[str, Any] = {}
    _names: Mapping[str, str] = {}
    _advice = ""

    def __init__(self, make: Callable[..., Any], interface: Interface, stated: ModuleOptions) -> None:
        self.interface, self.device = interface, stated.device
        self._make, self._fixed = make, {**stated.fixed}
        try:
            parameters = inspect.signature(make).parameters
        except (TypeError, ValueError) as error:
            raise UnusableModule(f"its constructor cannot be inspected: {one_line(error)}") from None
        kinds = {each.kind for each in parameters.values()}
        if _VAR_KEYWORD not in kinds:
            _check_names(self._fixed, parameters)
        self._free = {name: each for name, each in parameters.items() if name not in self._fixed}
        names: dict[str, str] = {}
        for option in (*_DEFAULTS, "batch_first", "bias"):
            named = [name for name in (option, *_SYNONYMS.get(option, ())) if name in self._free]
            if named or (_VAR_KEYWORD in kinds and option not in self._fixed):
                names[option] = named[0] if named else option
        self._names = names
        self._sizes = [] if _VAR_POSITIONAL in kinds else self._names_of_sizes()
        self.missing_options = {option: self._why_lacking(option) for option in {*_DEFAULTS} - {*self._names}}

    def _names_of_sizes(self) -> list[str]:
        """Return the names of the arguments for n_x and n_a; empty if these are passed by position."""
        found = [next((name for name in self._free if names.fullmatch(name)), "") for names in _SIZES]
        ordinary = [each for each in self._free.values() if each.kind is not _VAR_KEYWORD]
        required = [each.name for each in ordinary if each.default is each.empty]
        sizes = found if all(found) else required[:2]
        if others := [name for name in required if name not in (*sizes, *self._names.values())]:
            needs = f"its constructor needs {others[0]}, which {self.interface.name} does not have"
            raise UnusableModule(needs, f"--with {others[0]}=…")
        if len(sizes) < 2:
            raise UnusableModule("its constructor does not take the sizes of the input and the hidden state")
        return found if all(found) else []

    def _why_lacking(self, option: str) -> str:
        """Say why the modules lack an option; name the arguments that may be the option by another name."""
        if option in self._fixed:
            return f"{option}={self._fixed[option]!r} is fixed"
        known, default = {*self._names.values(), *self._sizes}, repr(_DEFAULTS[option])
        others = [name for name, each in self._free.items() if repr(each.default) == default]
        named = ", ".join(name for name in others if name not in known)
        return f"its constructor has no {option}; it has {named}" if named else _NO_ARGUMENT

    def takes(self, option: str) -> bool:
        """Whether the constructor has an argument for an option of torch, which the user has not fixed."""
        return self._names.get(option) in self._free

    def with_advice(self, error: UnusableModule) -> UnusableModule:
        """Add to the error the arguments that the user fixed, or options that the user may state."""
        fixed = ", ".join(f"{name}={value!r}" for name, value in self._fixed.items())
        why = f"{error.why}, made with {fixed}" if fixed else error.why
        return UnusableModule(why, error.advice or self._advice, stage=error.stage)

    def construct(self, sizes: Sizes) -> Any:
        """Call the constructor with these sizes. Raises the errors of the constructor."""
        both = (sizes.n_x, sizes.n_a)
        named = dict(zip(self._sizes, both))
        for option, value in {**sizes.options, "batch_first": False, "bias": True}.items():
            if self.takes(option) or value != self.tried.options.get(option, value):
                named[self._names.get(option, option)] = value
        return self._make(*(() if self._sizes else both), **{**named, **self._fixed})

    def build(self, sizes: Sizes, dtype: str) -> Any:
        """Build a module of these sizes and this dtype on the device.

        Raises the errors of the constructor, and `TypeError` if it returns no module.
        """
        torch, made = sys.modules["torch"], self.construct(sizes)
        if not isinstance(made, torch.nn.Module):
            raise TypeError(f"{type(made).__name__} is no torch.nn.Module")
        return made.to(device=self.device, dtype=getattr(torch, dtype))

    @lru_cache(maxsize=64)  # noqa: B019 (factories live as long as the process)
    def cached_module(self, sizes: Sizes, dtype: str, in_training: bool = False) -> BuiltModule:
        """Build and convert a module, in evaluation or training mode; cached."""
        return self.converted(self.build(sizes, dtype), sizes, in_training)

    @property
    def forward(self) -> Callable[..., Any]:
        """The method of a module that its calls run, which has the names of the arguments."""
        module = self.cached_module(self.tried, self.dtype).module
        name = "call" if self.interface.framework == "keras" else "forward"
        method: Callable[..., Any] = getattr(module, name, module)
        return method

    def converted(self, module: Any, sizes: Sizes, in_training: bool) -> BuiltModule:
        """Return what is called in place of a new module: here the module itself."""
        return self.parts(module, in_training)

    def parts(self, module: Any, in_training: bool = False) -> BuiltModule:
        """Put a module in evaluation or training mode, and find its weights and learned initial states."""
        with suppress(NotImplementedError):  # raised by an exported module, which has one mode
            module.train(in_training)
        plain = _make_weights_plain(module)
        named = self.parameters(module)
        learned = {name: named.pop(name) for name in [*named] if _INITIAL_STATE.fullmatch(name)}
        return BuiltModule(module, named, learned, plain)

    def parameters(self, module: Any) -> dict[str, Any]:
        """Return the parameters by their names in the state dict, or else in `named_parameters`.

        A parameter of several names has the first of them.
        """
        stored = module.state_dict(keep_vars=True)
        named = [(name, each) for name, each in stored.items() if getattr(each, "requires_grad", False)]
        found: dict[Any, tuple[str, Any]] = {}
        for name, each in (*named, *module.named_parameters()):
            found.setdefault((each.data_ptr() or id(each), each.shape), (name, each))
        return dict(found.values())


def _make_weights_plain(module: Any) -> list[str]:
    """Make each weight that a module computes from other parameters a parameter with its value.

    Such weights have a parametrisation, or are set before each call by a hook, as by the older functions of
    `torch.nn.utils` for weight norm, spectral norm and pruning. Returns the names of the weights.
    """
    parametrize, names = sys.modules["torch"].nn.utils.parametrize, []
    for part in module.modules():
        for name in [*part.parametrizations] if parametrize.is_parametrized(part) else ():
            parametrize.remove_parametrizations(part, name)
            names.append(name)
        for key, hook in [*part._forward_pre_hooks.items()]:
            name = getattr(hook, "name", "") or getattr(hook, "_tensor_name", "")
            if name and hasattr(hook, "remove"):
                hook.remove(part)
                del part._forward_pre_hooks[key]
                names.append(name)
    return names


class Converter(Factory):
    """Builds modules of the interface's own class, which a function converts.

    The weights are those of the converted module, if it has torch's names for them, or else those of the
    module before.
    """

    def __init__(self, convert: Callable[[Any], Any], interface: Interface, stated: ModuleOptions) -> None:
        super().__init__(interface.own_class, interface, stated)
        self._convert = convert

    def converted(self, module: Any, sizes: Sizes, in_training: bool) -> BuiltModule:
        """Convert a module. Raises `TypeError` if the result cannot be called."""
        before, converted = self.parts(module), self._convert(module)
        if not callable(converted):
            raise TypeError(f"the converter returned {type(converted).__name__}, expected a module")
        is_module = isinstance(converted, sys.modules["torch"].nn.Module)
        after = self.parts(converted, in_training) if is_module else BuiltModule(converted, {})
        named = by_the_frameworks_names(after.shapes, self.interface, sizes)
        has_own = locate_tensors(after.weights, named, sizes)
        return after if has_own else replace(after, weights=before.weights)


class Trained(Factory):
    """Copies one trained module; all other sizes are refused."""

    is_trained = True

    def __init__(self, module: Any, interface: Interface, stated: ModuleOptions) -> None:
        names = ("input_size", "hidden_size", *_DEFAULTS)
        _check_names(stated.fixed, names)
        self.interface, self.device, self._module, self.missing_options = interface, stated.device, module, {}
        of = {name: stated.fixed.get(name, getattr(module, name, None)) for name in names}
        if type(of["input_size"]) is not int or type(of["hidden_size"]) is not int:
            raise UnusableModule("its sizes are not known", "--with input_size=… --with hidden_size=…")
        unknown = [name for name in ("num_layers", "bidirectional") if of[name] is None]
        self._advice = " ".join(f"--with {name}=…" for name in unknown)
        layers, directions = of["num_layers"] or 1, 1 + bool(of["bidirectional"])
        others = (of["proj_size"] or 0, of["nonlinearity"] or "tanh")
        self.tried = Sizes(of["input_size"], of["hidden_size"], layers, directions, *others)

    def construct(self, sizes: Sizes) -> Any:
        """Copy the module. Raises `NotImplementedError` for other sizes."""
        if sizes != self.tried:
            raise NotImplementedError("the sizes of the module are fixed")
        with sys.modules["torch"].no_grad():  # otherwise a copied ScriptModule has no leaves
            module = deepcopy(self._module)
        for each in module.parameters():
            each.requires_grad_(each.is_floating_point())
        return module


class KerasFactory(Factory):
    """Builds layers of Keras on torch: the constructor takes the units, `build` the number of features."""

    def __init__(self, make: Callable[..., Any], interface: Interface, stated: ModuleOptions) -> None:
        if sys.modules["keras"].backend.backend() != "torch":
            advice = "set the environment variable KERAS_BACKEND=torch"
            raise UnusableModule("Keras does not run on torch", advice)
        self.interface, self.device, self._make, self._fixed = interface, stated.device, make, stated.fixed
        self.missing_options = dict.fromkeys({*_DEFAULTS} - {"nonlinearity"}, _NO_ARGUMENT)

    def build(self, sizes: Sizes, dtype: str) -> Any:
        """Build a layer of these sizes and this dtype, which returns all outputs and its last states."""
        keras, activation = sys.modules["keras"], sizes.activation
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(dtype)
        try:
            others = self._fixed if activation == "tanh" else {"activation": activation, **self._fixed}
            layer = self._make(sizes.n_a, **others)
            if isinstance(layer, keras.layers.RNN):
                layer.return_sequences = layer.return_state = True
            layer.build((None, None, sizes.n_x))
        finally:
            keras.config.set_dtype_policy(policy)
        return layer

    def parameters(self, module: Any) -> dict[str, Any]:
        """Return the parameters by the paths of the variables, without the name of the layer.

        The numbers that Keras gives to equal names are replaced by numbers of each name in this layer.
        """
        paths = [re.sub(r"_\d+(?=/)", "", each.path.partition("/")[2]) for each in module.trainable_variables]
        names = [f"{path}/{paths[:k].count(path)}" for k, path in enumerate(paths)]
        return dict(zip(names, (each.value for each in module.trainable_variables)))


def _check_names(fixed: Iterable[str], known: Iterable[str]) -> None:
    for name in {*fixed} - {*known}:
        close = difflib.get_close_matches(name, [*known], n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
        raise UnusableModule(f"its constructor has no argument {name}; {hint}")
