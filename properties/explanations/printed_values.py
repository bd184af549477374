"""Prints the arguments of a call that are small enough to read."""

from textwrap import wrap
from typing import Any

import numpy as np

from oracle.problems.inputs import Inputs, LayerInputs
from reference.contract import CONTRACTS, Array

LINE_WIDTH, MOST_LINES = 90, 10
"""The limits of the text, in characters and in lines."""


def printed_arguments(inputs: Any, function: str, earlier: Any = None) -> str:
    """The arguments of a function as text, as in `x = [[[1]]], a0 = [[0]]`; empty if they are too long.

    In place of the caches of a backward pass, the text has the arguments of the forward pass that makes them.
    With the inputs of an `earlier` call, the text has only the arguments that differ from those.
    """
    named = _arguments(inputs, function)
    if earlier is not None:
        before = _arguments(earlier, function)
        named = {name: array for name, array in named.items() if not np.array_equal(array, before[name])}
    if any(array.size == 0 or 2 * array.size > LINE_WIDTH for array in named.values()):
        return ""
    # No line breaks within an array: its spaces are non-breaking until the text is wrapped.
    entries = ", ".join(f"{name} = {_text(array)}".replace(" ", "\xa0") for name, array in named.items())
    wrapped = wrap(entries, LINE_WIDTH, break_long_words=False)
    lines = [line.replace("\xa0", " ").rstrip(",") for line in wrapped]
    return "" if len(lines) > MOST_LINES or max(map(len, lines), default=0) > LINE_WIDTH else "\n".join(lines)


def _arguments(inputs: Any, function: str) -> dict[str, Array]:
    """The arguments by name, also those of the forward pass before a backward pass, and lengths if any."""
    contract = CONTRACTS[function]
    named = dict(zip(contract.arguments, inputs.arguments(function), strict=False))
    is_layer = isinstance(inputs, LayerInputs)
    if not is_layer:
        forward = CONTRACTS[contract.forward].arguments
        named |= zip(forward, Inputs.arguments(inputs, contract.forward), strict=False)
    parameters = inputs.parameters if is_layer else [inputs.parameters]
    of_head = contract.network.head if contract.is_backward else ()
    for k, p in enumerate(parameters):
        names = [name for name in (*contract.parameters, "Wp") if name in p and name not in of_head]
        named |= {name if len(parameters) == 1 else f'parameters[{k}]["{name}"]': p[name] for name in names}
    lengths = inputs.lengths if is_layer else None
    return named if lengths is None else named | {"lengths": lengths}


def _text(part: Any) -> str:
    """An array as Python writes lists, but whole numbers without a decimal point."""
    if isinstance(part, np.ndarray):
        return f"[{', '.join(map(_text, part))}]"
    return str(part).removesuffix(".0")
