"""The numbers of a problem that is small enough to be read."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from oracle.problem import Problem
from reference.contract import CONTRACTS, PARAMETERS

WIDTH, LINES = 90, 10
"""What is wider or longer is not shown."""


def values(problem: Problem, function: str) -> str:
    """The arguments of a function, `x = [[[1]]], a0 = [[0]]` and so on, several in a line.

    Empty where one of them would take more than a line, or all of them many; and of whole layers and backward
    passes.
    """
    contract = CONTRACTS[function]
    if contract.is_layer or contract.is_backward:
        return ""
    *arrays, parameters = problem.arguments(function)
    named = dict(zip(contract.arguments, arrays, strict=True))
    named |= {name: parameters[name] for name in PARAMETERS[contract.kind]}
    if any(array.size == 0 or 2 * array.size > WIDTH for array in named.values()):
        return ""
    lines = list(_filled(named))
    return "" if len(lines) > LINES or max(map(len, lines)) > WIDTH else "\n".join(lines)


def _filled(named: Mapping[str, Any]) -> Iterator[str]:
    line = ""
    for name, array in named.items():
        entry = f"{name} = {_text(array)}"
        if line and len(line) + len(entry) + 2 > WIDTH:
            yield line
            line = ""
        line += f", {entry}" if line else entry
    yield line


def _text(part: Any) -> str:
    """As Python writes lists, and whole numbers without a point."""
    if isinstance(part, np.ndarray):
        return f"[{', '.join(map(_text, part))}]"
    return str(part).removesuffix(".0")
