"""Writes a notebook cell that reproduces a failure, with NumPy alone if the problem is small."""

import re

import numpy as np

import reference
from oracle.problems.problem import Problem
from properties.trials.law import SEQUENCE_BACKWARDS
from reference.contract import CONTRACTS, Array, Contract

MOST_NUMBERS = 80
"""The most numbers in the code of a notebook cell."""


def snippet(problem: Problem, function: str, law: str) -> str:
    """Return code that calls a function as the law does, and for few numbers prints the right results."""
    contract = CONTRACTS[function]
    *arrays, parameters = arguments = problem.arguments(function)
    names = ", ".join([*contract.arguments, *contract.last_arguments])
    call = f"{', '.join(_result_names(contract))} = {function}({names})"
    is_one_of_the_four = not (contract.is_layer or contract.is_backward)
    if not is_one_of_the_four or sum(array.size for array in [*arrays, *parameters.values()]) > MOST_NUMBERS:
        lines = ["from rnn_crosscheck import Problem", "", f"problem = {problem!r}"]
        arguments_call = f'problem.arguments("{function}")'
        if law == "each step" and function in SEQUENCE_BACKWARDS:
            lines += ["# x has a row for each pre-activation; dx holds the gradients of pre-activations"]
            lines.append(f'inputs = problem.inputs("{function}").showing_each_step(problem.seed)')
            arguments_call = f'inputs.arguments("{function}")'
        return "\n".join([*lines, f"{names} = {arguments_call}", call, ""])
    with np.errstate(all="ignore"):
        *right, caches = getattr(reference, function)(*arguments)
    lines = [
        *("import numpy as np", ""),
        *(f"{name} = {_literal(array)}" for name, array in zip(contract.arguments, arrays, strict=True)),
        "parameters = {",
        *(f'    "{name}": {_literal(W)},' for name, W in sorted(parameters.items())),
        *("}", call),
        *(_comparison(f"{name} is", name, W) for name, W in zip(contract.outputs, right, strict=True)),
    ]
    cache = caches
    if not contract.is_cell:
        if not caches[0]:  # there are no steps
            return "\n".join([*lines, ""])
        cache = caches[0][0]
        lines += [f'print("caches hold", len(caches[0]), "and should hold", {len(caches[0])})']
        lines += ['print("caches[1] is", caches[1], "and should be x, which is", x)', "cache = caches[0][0]"]
    for i, (name, array) in enumerate(zip(contract.cache, cache, strict=False)):
        lines.append(f"{_comparison(f'cache[{i}] is', f'cache[{i}]', array)}  # {name}")
    return "\n".join([*lines, ""])


def _result_names(contract: Contract) -> list[str]:
    if contract.is_backward:
        return [*contract.outputs, "gradients"] if contract.is_layer else ["gradients"]
    caches = [] if contract.is_layer else ["cache" if contract.is_cell else "caches"]
    return [*contract.outputs, *caches]


def _comparison(label: str, value: str, right: Array) -> str:
    return f'print("{label}", {value}, "and should be", {_literal(right, digits=8)})'


def _literal(array: Array, digits: int | None = None) -> str:
    """An array as Python code, with its dtype unless that is float64."""
    if not array.size:
        return f'np.zeros({array.shape}, "{array.dtype}")'
    if digits:
        array = np.array([float(f"{value:.{digits}g}") for value in array.flat]).reshape(array.shape)
    numbers = re.sub("inf|nan", r"np.\g<0>", str(array.tolist()))
    return f"np.array({numbers})" if array.dtype == float else f'np.array({numbers}, dtype="{array.dtype}")'
