"""Finds out whether a program flushes subnormal numbers to zero."""

from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import Behaviour, Program, same, specification
from oracle.diagnosis.findings import Finding, found
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from oracle.problem import Problem
from reference.contract import Array


def flushes(
    function: str, implementation: Program, problem: Problem, limits: Limits = ANYTHING
) -> Finding | None:
    """The finding that a program is wrong only for subnormal numbers; `None` if it is not.

    A program that is also wrong for ordinary numbers, or for small normal numbers, makes another mistake.
    """
    right_program = specification(function, limits)
    ordinary, inputs = (
        replace(problem, regime=regime).inputs(function) for regime in ("unit", problem.regime)
    )
    if not same(implementation(ordinary).outputs, right_program(ordinary).outputs):
        return None
    small = _enlarged(inputs)
    errors = _errors(implementation(small), right_program(small))
    if errors is None or errors[0].size:
        return None
    errors = _errors(implementation(inputs), right_program(inputs))
    if errors is None or not errors[0].size or (errors[0] >= float(np.finfo(inputs.dtype).tiny)).any():
        return None
    return found("subnormals", all=bool((errors[1] == 0).all()))


def _enlarged(inputs: Inputs) -> Inputs:
    """The inputs with subnormal numbers multiplied by a factor that makes their products normal."""
    limits = np.finfo(inputs.dtype)
    factor = float(np.exp2(limits.nmant + min(12, -limits.minexp // 4)))

    def enlarged(array: Array) -> Array:
        large = array.copy()
        is_small = np.abs(array) < 4 * limits.tiny
        large[is_small] = array[is_small].astype(np.float64) * factor
        return large

    x, a0, c0 = (enlarged(array) for array in (inputs.x, inputs.a0, inputs.c0))
    changed = inputs.with_parameters(lambda p: {name: enlarged(array) for name, array in p.items()})
    return replace(changed, x=x, a0=a0, c0=c0)


def _errors(ours: Behaviour, right: Behaviour) -> tuple[Array, Array] | None:
    """The errors of the wrong numbers in all outputs, and the numbers; `None` for outputs of other shapes."""
    shapes = [{place: np.shape(leaf) for place, leaf in each.outputs.items()} for each in (ours, right)]
    if shapes[0] != shapes[1]:
        return None
    places = [place for place, leaf in right.outputs.items() if not isinstance(leaf, str)]
    shown, exact = (
        np.concatenate([np.zeros(0), *(np.ravel(each.outputs[place]) for place in places)])
        for each in (ours, right)
    )
    wrong = np.abs(shown - exact) > 1e-4 * np.abs(exact)  # more than rounding in any precision
    return np.abs(shown - exact)[wrong], shown[wrong]
