"""Whether a program flushes subnormal numbers to zero, which nothing else tells."""

from dataclasses import replace

import numpy as np

from oracle.diagnosis.behaviour import Program, same, specification
from oracle.limits import ANYTHING, Limits
from oracle.problem import Problem
from reference.contract import Array

FLUSHED = "subnormal numbers are flushed to zero"
SOME = "subnormal numbers are wrong, as where some of them are flushed to zero"


def flushes(function: str, implementation: Program, problem: Problem, limits: Limits = ANYTHING) -> str:
    """A sentence, where all that is wrong is what is subnormal; otherwise nothing.

    Among numbers so small any mistake is: who makes one with ordinary numbers, too, does not flush by that.
    """
    right_program = specification(function, limits)
    ordinary, inputs = (
        replace(problem, regime=regime).inputs(function) for regime in ("unit", problem.regime)
    )
    if not same(implementation(ordinary).outputs, right_program(ordinary).outputs):
        return ""
    ours, right = implementation(inputs).outputs, right_program(inputs).outputs
    if ours.keys() != right.keys():
        return ""
    off = np.array([])
    zeros = np.array([], bool)
    for place, theirs in right.items():
        mine = ours[place]
        if isinstance(mine, str) or isinstance(theirs, str) or mine.shape != theirs.shape:
            if not (isinstance(mine, str) and isinstance(theirs, str)):
                return ""
            continue
        wrong = _is_wrong(mine, theirs)
        off = np.append(off, np.abs(mine - theirs)[wrong])
        zeros = np.append(zeros, mine[wrong] == 0)
    if not off.size or (off >= float(np.finfo(inputs.dtype).tiny)).any():
        return ""
    return FLUSHED if zeros.all() else SOME


def _is_wrong(mine: Array, theirs: Array) -> Array:
    """Off by more than the rounding of any precision."""
    return np.asarray(np.abs(mine - theirs) > 1e-4 * np.abs(theirs))
