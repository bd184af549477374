"""Whether a program flushes subnormal numbers to zero, which few programs are told from by anything else."""

import numpy as np

from oracle.diagnosis.behaviour import Leaves, Program, specification
from oracle.inputs import Inputs
from oracle.limits import ANYTHING, Limits

FLUSHED = "subnormal numbers are flushed to zero"


def flushes(function: str, implementation: Program, inputs: Inputs, limits: Limits = ANYTHING) -> bool:
    """Whether zeros stand where subnormal numbers should, and nothing else is wrong."""
    ours, right = implementation(inputs).outputs, specification(function, limits)(inputs).outputs
    tiny = float(np.finfo(inputs.dtype).tiny)
    return ours.keys() == right.keys() and _as_if_flushed(ours, right, tiny)


def _as_if_flushed(ours: Leaves, right: Leaves, tiny: float) -> bool:
    flushed = 0
    for place, theirs in right.items():
        mine = ours[place]
        if isinstance(mine, str) or isinstance(theirs, str):
            if isinstance(mine, str) != isinstance(theirs, str):
                return False
            continue
        if mine.shape != theirs.shape:
            return False
        missing = (mine == 0) & (theirs != 0)
        near = np.abs(mine - theirs) <= np.maximum(tiny / 1000, 1e-5 * np.abs(theirs))
        if not (near | (missing & (np.abs(theirs) < tiny))).all():
            return False
        flushed += int(missing.sum())
    return flushed > 0
