"""Modules that stand for a recurrent layer of a framework, judged without an adapter.

What a class or a factory makes is built in the sizes of each call, filled with the weights, and called; how,
is found by its constructor, the names of its weights, and trials. Runs in the target's interpreter.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from oracle.modules.factory import Converter, Factory, Trained
from oracle.modules.interface import INTERFACES, Interface, ModuleOptions, UnusableModule
from oracle.modules.understanding import Trials, Understood

__all__ = ["ModuleOptions", "Understood", "UnusableModule", "is_module", "like", "understand"]


def is_module(target: object) -> bool:
    """Whether a target is a torch module or a class of them."""
    torch = sys.modules.get("torch")
    kind = target if isinstance(target, type) else type(target)
    return torch is not None and issubclass(kind, torch.nn.Module)


def understand(target: Any, name: str, asked: ModuleOptions) -> Understood:
    """Understand a class, a module, or a function that makes or converts modules. Raises `UnusableModule`.

    `name` is what the user calls it. Without `asked.like` the first interface that it can stand for counts.
    """
    if not callable(target):
        raise UnusableModule(
            f"{name} is {type(target).__name__}, expected a class or a function that makes modules"
        )
    errors: list[UnusableModule] = []
    stated = asked.converts or asked.like
    for interface in [INTERFACES[stated]] if stated else _likely(target, name):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Trials(_factory(target, name, interface, asked), interface, asked).understood(name)
        except UnusableModule as error:
            errors.append(error)
    raise max(errors, key=lambda error: error.stage)


def _factory(target: Any, name: str, interface: Interface, asked: ModuleOptions) -> Factory:
    if is_module(target) and not isinstance(target, type):
        return Trained(target, asked)
    if not callable(target):
        raise UnusableModule(f"{name} is {type(target).__name__}, expected a class or a function of modules")
    return (Converter if asked.converts else Factory)(target, interface, asked)


def like(
    make: Callable[..., Any],
    interface: str,
    *,
    fixed: Mapping[str, Any] | None = None,
    gates: str = "",
    device: str = "cpu",
) -> tuple[Any, ...]:
    """The functions of the contract and `SUPPORTS` of a class or function that makes modules.

    `interface` is the name of the class for which the modules stand: `"torch.nn.LSTM"`. `fixed`, `gates` and
    `device` are `--with`, `--gates` and `--device` of the command. Returns the forward pass, the backward
    pass if the modules have gradients, and `SUPPORTS`. Raises `ValueError` where the module cannot be judged.
    """
    name = getattr(make, "__name__", type(make).__name__)
    try:
        found = understand(make, name, ModuleOptions(interface, fixed or {}, gates=gates, device=device))
    except UnusableModule as error:
        raise ValueError(f"{name} cannot be judged as {interface}: {error}") from None
    return (*found.functions.values(), found.supports)


def _likely(target: Any, name: str) -> list[Interface]:
    """The interfaces for which a module may stand: those of its base classes, else the likeliest first."""
    bases = {
        f"torch.nn.{each.__name__}" for each in (target if isinstance(target, type) else type(target)).__mro__
    }
    own = [interface for interface in INTERFACES.values() if interface.name in bases]
    is_cell, is_rnn = "cell" in name.lower(), "rnn" in name.lower()
    return own or sorted(
        INTERFACES.values(), key=lambda each: ((each.kind == "rnn") != is_rnn, each.is_cell != is_cell)
    )
