"""Writes a notebook cell that reproduces a failure, with NumPy alone if the problem is small."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

import reference
from oracle.problems.problem import Problem
from properties.questions.question import Question
from reference.contract import CONTRACTS, SEQUENCE_BACKWARDS, Array

MOST_CHARACTERS = 8000
"""The longest code that spells out all numbers."""


def snippet(problem: Problem, function: str, law: str) -> str:
    """Return code that calls a function as the law does, and prints its results and the right ones."""
    contract, how = CONTRACTS[function], ""
    inputs: Any = problem.inputs(function)
    if law == "each step" and function in SEQUENCE_BACKWARDS:
        inputs = inputs.showing_each_step(problem.seed)
        how = ".showing_each_step(problem.seed)  # dx holds the gradients of pre-activations"
    calls = [inputs]
    if law == "changed argument":
        calls += [changed for _, changed, _ in Question(function, [problem]).changes[0]]
    names = ", ".join([*contract.arguments, *contract.last_arguments])
    ours, call = ", ".join(contract.results), f"{function}({names})"
    lines = ["import numpy as np", *([how.partition("  ")[2]] if how else []), ""]
    for each in calls:
        arguments = each.arguments(function)
        with np.errstate(all="ignore"):
            right = getattr(reference, function)(*arguments)
        pairs = zip(contract.results, right if isinstance(right, tuple) else (right,), strict=True)
        arrays = [array for pair in pairs for array in _arrays(*pair)]
        lines += [
            f"{name} = {_code(value)}" for name, value in zip(names.split(", "), arguments, strict=True)
        ]
        lines += [f"{ours} = {call}", *(_comparison(path, _code(value)) for path, value in arrays)]
    if sum(map(len, lines)) > MOST_CHARACTERS:
        theirs = ", ".join(f"right_{name}" for name in contract.results)
        lines = ["from rnn_crosscheck import Problem, reference", "", f"problem = {problem!r}"]
        lines += [f'inputs = problem.inputs("{function}"){how}', f'{names} = inputs.arguments("{function}")']
        lines += [f"{theirs} = reference.{call}", f"{ours} = {call}"]
        lines += [_comparison(path, f"right_{path}") for path, _ in arrays]
    return "\n".join([*lines, ""])


def _arrays(path: str, value: Any) -> Iterator[tuple[str, Array]]:
    """The arrays in a result with the code of each, such as `caches[0][0][1]`, without cached parameters."""
    if isinstance(value, np.ndarray):
        yield path, value
        return
    for key, entry in value.items() if isinstance(value, dict) else enumerate(value):
        if not (isinstance(value, tuple) and isinstance(entry, dict)):
            yield from _arrays(f"{path}[{key!r}]", entry)


def _comparison(path: str, right: str) -> str:
    return f'print("{path} is", {path}, "and should be", {right})'


def _code(value: Any) -> str:
    """A value as Python code; an array with its dtype unless that is float64."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}": {_code(entry)}' for key, entry in sorted(value.items())) + "}"
    if isinstance(value, (list, tuple)):
        entries = "".join(f"{_code(entry)}, " for entry in value)
        return f"[{entries}]" if isinstance(value, list) else f"({entries})"
    if not isinstance(value, np.ndarray):
        return repr(value)
    if not value.size:
        return f'np.zeros({value.shape}, "{value.dtype}")'
    numbers = re.sub("inf|nan", r"np.\g<0>", str(value.tolist()))
    return f"np.array({numbers})" if value.dtype == float else f'np.array({numbers}, dtype="{value.dtype}")'
