"""Prints the numbers of a problem that is small enough to read."""

from textwrap import wrap
from typing import Any

import numpy as np

from oracle.inputs import Inputs
from oracle.problem import Problem
from reference.contract import CONTRACTS, PARAMETERS, Array

WIDTH, LINES = 90, 10
"""The widest and longest text that is shown."""


def values(problem: Problem, function: str) -> str:
    """The arguments of a function, as in `x = [[[1]]], a0 = [[0]]`, several in a line.

    A backward pass gets caches; the arguments of the forward pass that makes them are shown instead. Empty if
    an argument takes more than a line, or all more than `LINES`.
    """
    named = _layer_arguments(problem, function) if CONTRACTS[function].is_layer else _named(problem, function)
    if any(array.size == 0 or 2 * array.size > WIDTH for array in named.values()):
        return ""
    entries = ", ".join(f"{name} = {_text(array)}".replace(" ", "\xa0") for name, array in named.items())
    lines = [line.replace("\xa0", " ").rstrip(",") for line in wrap(entries, WIDTH, break_long_words=False)]
    return "" if len(lines) > LINES or max(map(len, lines)) > WIDTH else "\n".join(lines)


def _named(problem: Problem, function: str) -> dict[str, Array]:
    """The arguments of one of the four functions, or of one of their backward passes."""
    contract, inputs = CONTRACTS[function], problem.inputs(function)
    named = dict(zip(contract.arguments, inputs.arguments(function), strict=False))
    forward = function.replace("backward", "forward")
    *arrays, parameters = Inputs.arguments(inputs, forward)
    named |= dict(zip(CONTRACTS[forward].arguments, arrays, strict=True))
    of_head = ("Wya", "Wy", "by") if contract.is_backward else ()
    return named | {name: parameters[name] for name in PARAMETERS[contract.kind] if name not in of_head}


def _layer_arguments(problem: Problem, function: str) -> dict[str, Array]:
    """The arguments of a layer or its backward pass, with the lengths if there are any."""
    contract = CONTRACTS[function]
    *arrays, parameters, options = problem.arguments(function)
    named = dict(zip(contract.arguments, arrays, strict=True))
    for k, p in enumerate(parameters):
        names = [name for name in (*PARAMETERS[contract.kind], "Wp") if name in p]
        named |= {name if len(parameters) == 1 else f'parameters[{k}]["{name}"]': p[name] for name in names}
    lengths = options.get("lengths")
    return named if lengths is None else named | {"lengths": lengths}


def _text(part: Any) -> str:
    """An array as Python writes lists, with whole numbers without a point."""
    if isinstance(part, np.ndarray):
        return f"[{', '.join(map(_text, part))}]"
    return str(part).removesuffix(".0")
