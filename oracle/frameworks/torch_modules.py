"""`torch.nn.RNN` and `torch.nn.LSTM` on the CPU, for the ways in which torch can run them.

They support any number of layers, both directions, lengths (as packed sequences), and a projection to fewer
units. They refuse a sequence without steps, an input without features, an empty batch with lengths, and a
projection to n_a units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.frameworks.functions import with_four_functions
from oracle.modules import CallForm, functions_of_converted

SUPPORTS = {"caches": False, "head": False, "projection": "fewer", "empty": []}


def functions_of_modules(
    convert: Callable[[Any], Callable[..., Any]], lengths: str = "packed"
) -> dict[str, Callable[..., Any]]:
    """The functions of a target, by name. They call what `convert` makes of a `torch.nn.RNN` or
    `torch.nn.LSTM`.

    The converted module takes `x` and the states, if there are any. `lengths` is `"packed"` if it takes
    packed sequences, and `"counts"` if it has a third argument `lengths`.
    """
    form = CallForm(lengths=lengths, names=("", "lengths"))
    found: dict[str, Callable[..., Any]] = {}
    for name in ("torch.nn.RNN", "torch.nn.LSTM"):
        found.update(functions_of_converted(convert, name, form))
    return with_four_functions(found)


def called_within(context: Callable[[], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A conversion of modules to functions that call the module called_within a context."""

    def convert(module: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            with context():
                return module(*given)

        return call

    return convert
