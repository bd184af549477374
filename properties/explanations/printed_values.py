"""Prints the numbers of a problem that is small enough to read."""

from textwrap import wrap
from typing import Any

import numpy as np

from oracle.problem import Problem
from reference.contract import CONTRACTS, PARAMETERS

WIDTH, LINES = 90, 10
"""The widest and longest text that is shown."""


def values(problem: Problem, function: str) -> str:
    """The arguments of a function, as in `x = [[[1]]], a0 = [[0]]`, several in a line.

    Empty if an argument takes more than a line, or all more than `LINES`; and for layers and backward passes.
    """
    contract = CONTRACTS[function]
    if contract.is_layer or contract.is_backward:
        return ""
    *arrays, parameters = problem.arguments(function)
    named = dict(zip(contract.arguments, arrays, strict=True))
    named |= {name: parameters[name] for name in PARAMETERS[contract.kind]}
    if any(array.size == 0 or 2 * array.size > WIDTH for array in named.values()):
        return ""
    entries = ", ".join(f"{name} = {_text(array)}".replace(" ", "\xa0") for name, array in named.items())
    lines = [line.replace("\xa0", " ").rstrip(",") for line in wrap(entries, WIDTH, break_long_words=False)]
    return "" if len(lines) > LINES or max(map(len, lines)) > WIDTH else "\n".join(lines)


def _text(part: Any) -> str:
    """An array as Python writes lists, with whole numbers without a point."""
    if isinstance(part, np.ndarray):
        return f"[{', '.join(map(_text, part))}]"
    return str(part).removesuffix(".0")
