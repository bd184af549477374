"""Writes a notebook cell that reproduces a failure, with NumPy alone if the problem is small."""

from typing import Any

import numpy as np

import reference
from oracle.problem import Problem
from properties.trials.law import SEQUENCES_BACKWARD
from reference.contract import CONTRACTS, Array, Contract

LARGEST = 80
"""The most numbers that a cell contains."""


def snippet(problem: Problem, function: str, law: str) -> str:
    """A cell that calls a function on a problem as a law calls it, and prints what it should return."""
    contract = CONTRACTS[function]
    arguments = problem.arguments(function)
    given = ", ".join([*contract.arguments, *contract.last_arguments])
    call = f"{', '.join(_returned(contract))} = {function}({given})"
    if contract.is_layer or contract.is_backward or _count(problem, function) > LARGEST:
        lines = ["from rnn_crosscheck import Problem", "", f"problem = {problem!r}"]
        made = f'problem.arguments("{function}")'
        if law == "each step" and function in SEQUENCES_BACKWARD:
            lines.append("# An input for each pre-activation, so that dx shows the gradient of each step.")
            lines.append(f'inputs = problem.inputs("{function}").showing_each_step(problem.seed)')
            made = f'inputs.arguments("{function}")'
        return "\n".join([*lines, f"{given} = {made}", call, ""])
    lines = ["import numpy as np", ""]
    lines += [
        f"{name} = {_literal(array)}" for name, array in zip(contract.arguments, arguments, strict=False)
    ]
    lines += [
        "parameters = {",
        *(f'    "{name}": {_literal(W)},' for name, W in sorted(arguments[-1].items())),
        "}",
    ]
    lines += [call]
    with np.errstate(all="ignore"):
        right = getattr(reference, function)(*arguments)
    for name, array in zip(contract.outputs, right, strict=False):
        lines += [f'print("{name} is", {name}, "and should be", {_literal(array, digits=8)})']
    lines += _caches(function, right[-1])
    return "\n".join([*lines, ""])


def _caches(function: str, right: Any) -> list[str]:
    """Lines that print the cache of a cell, or for a forward the number of caches, x, and the first cache."""
    contract = CONTRACTS[function]
    if contract.is_cell:
        lines, entries = [], right
    elif not right[0]:
        return []
    else:
        lines = [f'print("caches hold", len(caches[0]), "and should hold", {len(right[0])})']
        lines += ['print("caches[1] is", caches[1], "and should be x, which is", x)', "cache = caches[0][0]"]
        entries = right[0][0]
    return lines + [
        f'print("cache[{i}] is", cache[{i}], "and should be", {_literal(array, digits=8)})  # {name}'
        for i, (name, array) in enumerate(zip(contract.cache, entries, strict=False))
    ]


def _returned(contract: Contract) -> list[str]:
    """The names of the results of a call."""
    if contract.is_backward:
        return [*contract.outputs, "gradients"] if contract.is_layer else ["gradients"]
    caches = [] if contract.is_layer else ["cache" if contract.is_cell else "caches"]
    return [*contract.outputs, *caches]


def _count(problem: Problem, function: str) -> int:
    """The number of numbers in the arguments of one of the four functions."""
    *arrays, parameters = problem.arguments(function)
    return sum(array.size for array in [*arrays, *parameters.values()])


def _literal(array: Array, digits: int | None = None) -> str:
    """An array as Python code, with its dtype if that is not float64."""
    if not array.size:
        return f'np.zeros({array.shape}, "{array.dtype}")'
    dtype = "" if array.dtype == np.float64 or digits else f', dtype="{array.dtype}"'
    return f"np.array({_nested(array.tolist(), digits)}{dtype})"


def _nested(value: Any, digits: int | None) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_nested(each, digits) for each in value)}]"
    if not np.isfinite(value):
        return str(value).replace("inf", "np.inf").replace("nan", "np.nan")
    return repr(float(f"{value:.{digits}g}") if digits else float(value))
