"""Whether a program flushes subnormal numbers to zero, which nothing else tells."""

import numpy as np

from oracle.diagnosis.behaviour import Program, specification
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits
from reference.contract import Array

FLUSHED = "subnormal numbers are flushed to zero"
SOME = "subnormal numbers are wrong, as where some of them are flushed to zero"


def flushes(function: str, implementation: Program, inputs: Inputs, limits: Limits = ANYTHING) -> str:
    """A sentence, where all that is wrong is what is subnormal; otherwise nothing."""
    ours, right = implementation(inputs).outputs, specification(function, limits)(inputs).outputs
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
