"""Understands a class, a module or a function as a target, and makes its functions."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, Optional, Union

from oracle.modules.adapter import Adapter
from oracle.modules.calls import CallForm
from oracle.modules.factory import Converter, Factory, KerasFactory, Trained
from oracle.modules.interface import INTERFACES, Interface, ModuleOptions, Sizes, UnusableModule
from oracle.modules.trials import Trials, Understood
from oracle.modules.weights import by_the_frameworks_names


def is_module(target: object) -> bool:
    """Whether a target is a module of torch, a layer of Keras, or a class of them."""
    return _is_a(target, "torch.nn", "Module") or _is_a(target, "keras", "Layer")


def _is_a(target: object, framework: str, name: str) -> bool:
    kind = target if isinstance(target, type) else type(target)
    base = getattr(sys.modules.get(framework), name, None)
    return base is not None and issubclass(kind, base)


def understand(target: Any, name: str, stated: ModuleOptions) -> Understood:
    """Understand a class, a module, or a function that makes or converts modules. Raises `UnusableModule`.

    `name` is the name of the target in messages. If `stated` names no interface, the first one that fits is
    taken.
    """
    errors: list[UnusableModule] = []
    named = stated.converts or stated.like
    interfaces = [INTERFACES[named]] if named else _likely(target, name)
    for interface, directions in product(interfaces, (1, 2)):
        try:
            factory = _factory(target, name, interface, stated)
            if directions == 2:  # for modules that cannot have one direction
                if interface.is_cell or "bidirectional" not in factory.missing_options:
                    continue
                factory.tried = replace(factory.tried, directions=2)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Trials(factory, stated).understood(name)
        except UnusableModule as error:
            if directions == 1 or error.stage == 2:
                errors.append(error)
    raise max(errors, key=lambda error: error.stage)


def _factory(target: Any, name: str, interface: Interface, stated: ModuleOptions) -> Factory:
    if is_module(target) and not isinstance(target, type):
        return Trained(target, interface, stated)
    if not callable(target):
        kind = type(target).__name__
        raise UnusableModule(f"{name} is {kind}, expected a torch.nn.Module, or what makes one")
    if "torch" not in sys.modules:
        raise UnusableModule("it does not import torch, in which modules are judged")
    keras = KerasFactory if interface.framework == "keras" else Factory
    return (Converter if stated.converts else keras)(target, interface, stated)


def _likely(target: Any, name: str) -> list[Interface]:
    """Return the interfaces of the module's base classes, or else all, the likeliest first."""
    framework = "keras" if _is_a(target, "keras", "Layer") else "torch"
    interfaces = [each for each in INTERFACES.values() if each.framework == framework]
    own = [each for each in interfaces if _is_a(target, *each.name.rsplit(".", 1))]
    is_cell, is_rnn = "cell" in name.lower(), "rnn" in name.lower()
    return own or sorted(
        interfaces, key=lambda each: ((each.kind == "rnn") != is_rnn, each.is_cell != is_cell)
    )


def like(
    make: Callable[..., Any],
    interface: Union[str, type],  # noqa: UP007
    *,
    fixed: Optional[Mapping[str, Any]] = None,  # noqa: UP045
    gates: str = "",
    device: str = "cpu",
) -> tuple[Any, ...]:
    """Return the functions of layers, and `SUPPORTS`, for a class or function that makes modules.

    `interface` is the class that the modules replace, or its name: `"torch.nn.LSTM"`. `fixed`, `gates` and
    `device` are the options `--with`, `--gates` and `--device` of the command. Returns the forward pass, the
    backward pass if the modules have gradients, and `SUPPORTS`; both functions have the facts as
    `understood`. Raises `ValueError` if the module cannot be judged.
    """
    name = getattr(make, "__name__", type(make).__name__)
    if isinstance(interface, type):
        own = [each.name for each in INTERFACES.values() if each.own_class is interface]
        interface = own[0] if own else f"{interface.__module__}.{interface.__qualname__}"
    try:
        found = understand(make, name, ModuleOptions(interface, "", fixed or {}, gates, device))
    except UnusableModule as error:
        hint = " (here --with is fixed={…}, and --gates is gates=…)" if error.advice else ""
        raise ValueError(f"{name} cannot be judged as {interface}: {error}{hint}") from None
    for name, function in found.functions.items():
        function.__name__, function.__dict__["understood"] = name, found.facts
    return (*found.functions.values(), found.supports)


def functions_of_converted(
    convert: Callable[[Any], Any], interface: str, form: CallForm
) -> Mapping[str, Callable[..., Any]]:
    """Return the functions of the modules that `convert` returns for modules of torch, without trials.

    `interface` is the name of the class that `convert` takes, such as `"torch.nn.LSTM"`; `form` says how the
    returned modules are called with lengths.
    """
    factory = Converter(convert, INTERFACES[interface], ModuleOptions(converts=interface))
    shapes = factory.cached_module(Sizes(), "float64").shapes
    reading = by_the_frameworks_names(shapes, factory.interface, Sizes())
    return Adapter(factory, reading, CallForm(), [form]).functions()
