"""The sweep over time: the equations of a step, applied to one step after another."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from oracle.network.expressions import Equations
from reference.contract import Array, Kind


class Sweep(NamedTuple):
    """One sweep over time: its parameters, initial states, inputs `x`, and the quantities of each step.

    The steps of a backward direction are in its own order; `order (…, m, T_x)` are their numbers.
    """

    kind: Kind
    activation: str
    p: Mapping[str, Array]
    a0: Any
    c0: Any
    x: Any
    order: Array | None
    steps: Sequence[Any]


BEGIN: Equations = {
    "x": lambda v: v.x,
    "a": lambda v: v.zeros((*v.a0.shape, v.T_x), v.x.dtype),
    "entries": lambda v: [],
    "a0": lambda v: v.a0,
    "steps": lambda v: range(v.T_x),
}
"""The equations before the first step of a sequence, from its input `x` and its initial state `a0`."""

STEP: Equations = {
    "xt": lambda v: v.x[..., v.t],
    "a_prev": lambda v: v.a_next,  # the previous step's a_next; a0 in the first step
    "c_prev": lambda v: v.c_next,
    "slot": lambda v: v.t,  # the time index at which the results of the step are stored
}
"""The equations at the start of each step of a sequence, before those of the cell."""

END: Equations = {
    "entry": lambda v: v.cache,  # each step appends its entry to `v.entries`
}
"""The equation at the end of each step."""


def evaluate(v: Any, equations: Equations, names: Iterable[str]) -> None:
    """Compute the named quantities in order."""
    for name in names:
        setattr(v, name, equations[name](v))


def unroll(v: Any, equations: Equations, cell: Iterable[str], results: Mapping[str, str]) -> None:
    """Compute all steps of a sequence. `results` names the quantity that each array over time stores.

    Time is the last axis of these arrays and of `x`.
    """
    names = (*STEP, *cell, *END)
    v.a_next, v.c_next = v.a0, v.c0
    for t in v.steps:
        v.t = t
        evaluate(v, equations, names)
        for over_time, now in results.items():
            getattr(v, over_time)[..., v.slot] = getattr(v, now)
        v.entries.append(v.entry)
