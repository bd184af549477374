"""How far inputs and states move from a step to the next, on which it hangs whether steps are left out."""

import numpy as np

from oracle.location.where.shown import Shown
from reference.contract import Array

OF_XT, OF_STATE = "|xt - xt of the step before|", "|{0} - {0}_prev|"
OF_BEFORE, SO_FAR = " in the step before", " in a step so far"


@np.errstate(over="ignore", invalid="ignore")
def moved(answer: Shown) -> dict[str, Array]:
    """The largest of the numbers that tell how far each step moves, `(1, 1 or m, T_x)`; NaN where unknown.

    Of states their mean, too.
    A state has moved in the step before, or in any so far; the input in this step, or in the one before.
    """
    x = answer.input
    of_x = _later(np.abs(np.diff(x, axis=2)))
    found = _of_each(OF_XT, "", of_x) | _of_each(OF_XT, OF_BEFORE, _later(of_x[:, :, :-1]))
    for name in (name for name in ("a", "c") if name in answer.outputs):
        far = _later(np.abs(answer.outputs[name] - answer.before(name))[:, :, :-1])
        what = OF_STATE.format(name)
        found |= _of_each(what, OF_BEFORE, far)
        found[f"the mean {what} of all samples{OF_BEFORE}"] = _mean(far)
        least = _of_each(what, SO_FAR, far) | {f"the mean {what} of all samples{SO_FAR}": _mean(far)}
        found |= {f"the least of {name}": np.fmin.accumulate(array, axis=2) for name, array in least.items()}
    return found


def is_of_moves(feature: str) -> bool:
    """Whether it is one of these."""
    return OF_XT in feature or is_of_state(feature)


def is_of_state(feature: str) -> bool:
    """Whether it is one of them that is of a state."""
    return any(OF_STATE.format(name) in feature for name in ("a", "c"))


def _later(array: Array) -> Array:
    """One step later, of which the first is unknown."""
    return np.concatenate([np.full((*array.shape[:2], 1), np.nan), array], axis=2)


def _mean(far: Array) -> Array:
    return np.asarray(far.mean(axis=(0, 1), keepdims=True)) if far[:, :, 0].size else far[:1, :1]


def _of_each(what: str, when: str, far: Array) -> dict[str, Array]:
    if not len(far):
        far = np.zeros((1, *far.shape[1:]))
    return {
        f"the largest {what} of the sample{when}": far.max(axis=0, keepdims=True),
        f"the largest {what} of all samples{when}": far.max(axis=(0, 1), keepdims=True),
    }
