"""States that have gone through steps which are not the sequence's own: padding in front of it."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from oracle import propagation
from oracle.location.how.candidate import Candidate
from oracle.location.where.equation import CACHED, Equation
from reference.contract import Array

BLOCKS = (2, 4, 8, 16, 32, 64)
"""To a multiple of which a sequence is padded."""


def of_padding_in_front(name: str) -> Iterator[tuple[str, Candidate]]:
    """What step 0 is given after steps of zero inputs, of a state that is given to a step, in words."""
    state = name.removeprefix(CACHED)
    if state not in ("a_prev", "c_prev"):
        return
    for size in BLOCKS:
        words = f"the state after (-T_x) mod {size} steps with xt = 0"
        yield words, partial(_after, state[0], size)


def _after(state: str, size: int, equation: Equation) -> Array:
    """The state of step 0; of other steps it says nothing."""
    inputs, found = equation.answer.inputs, np.full_like(equation.right.value, np.nan)
    steps = -found.shape[2] % size
    if steps:
        x = np.zeros((*inputs.x.shape[:2], steps), inputs.x.dtype)
        found[:, :, 0] = propagation.evaluate(replace(inputs, x=x))[state].value[:, :, -1]
    return found
