"""What the adapters of torch share: each of them runs `torch.nn.RNN` and `torch.nn.LSTM` in another way.

The modules support any number of layers, both directions, lengths (as packed sequences), and a projection to
fewer units. They refuse a sequence without steps, an input without features, an empty batch with lengths, and
a projection to n_a units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.frameworks.functions import with_four_functions
from oracle.modules.calls import CallForm
from oracle.modules.understanding import functions_of_converted

SUPPORTS = {"caches": False, "head": False, "projection": "fewer", "empty": []}


def functions_of_modules(
    convert: Callable[[Any], Callable[..., Any]], lengths: str = "packed"
) -> dict[str, Callable[..., Any]]:
    """Return the functions of a target by name. They call what `convert` makes of a module of torch.

    `convert` may be a context manager that is also a decorator, such as `torch.autocast`: then each call of
    the module is within the context.

    A converted module takes `x` and the states, if there are any. `lengths` is `"packed"` if the converted
    module takes packed sequences, and `"counts"` if it has a third argument `lengths`.
    """
    form = CallForm(lengths=lengths, lengths_name="lengths")
    rnn, lstm = (functions_of_converted(convert, f"torch.nn.{name}", form) for name in ("RNN", "LSTM"))
    return with_four_functions({**rnn, **lstm})
