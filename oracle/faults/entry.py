"""What an entry of the catalogue is made of: functions, a name, a sentence and changed equations.

    LAYERS("carried_on", "states are updated in the padding") | {"last": full_lengths}

The mistake is made in the functions `LAYERS`. The sentence completes the line "looks like". The right
equations are in `oracle.faults.equations`, `layer_equations` and `backward_equations`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from oracle.faults.fault import Fault
from oracle.network.equations import Equations
from oracle.network.forward import backward_steps, forward_steps, full_lengths
from reference.contract import NETWORKS, Array, gradient_shapes

GATES = {"i": "update", "f": "forget", "c": "candidate", "o": "output"}
PHRASES = {"i": "the update gate", "f": "the forget gate", "c": "the candidate", "o": "the output gate"}
GRADIENTS = dict.fromkeys(d for network in NETWORKS.values() for d in gradient_shapes(network.parameters))


def mistakes(*entries: str | Fault) -> list[Fault]:
    """The entries in order; a string is the group of the entries after it."""
    group, faults = "", []
    for entry in entries:
        if isinstance(entry, str):
            group = entry
        else:
            faults.append(replace(entry, group=group))
    return faults


def altered(*names: str, by: Callable[[Any, Any], Any]) -> Equations:
    """Equations that compute `by(right, v)` from the right value of their quantity."""
    return {name: lambda v, name=name: by(v.right[name](v), v) for name in names}


def _restricted(holds: Callable[[Any], bool], changes: Equations) -> Equations:
    """The changes, restricted to those layers or directions in which `holds(v)`."""
    return {
        name: lambda v, name=name, change=change: (change if holds(v) else v.right[name])(v)
        for name, change in changes.items()
    }


above = partial(_restricted, lambda v: v.layer > 0)
"""Changes in the layers above the first alone."""

forward = partial(_restricted, lambda v: v.direction == 0)
"""Changes in the forward direction alone."""

backward = partial(_restricted, lambda v: v.direction == 1)
"""Changes in the backward direction alone."""


def exchanged(one: str, other: str) -> Callable[[Sequence[str]], Sequence[str]]:
    """Exchange two names in a list of names."""
    return lambda names: [{one: other, other: one}.get(name, name) for name in names]


def through_the_padding(v: Any) -> Array:
    """All steps of x for each sample, `(m, T_x)`, in the order of the direction."""
    return backward_steps(v.T_x, full_lengths(v)) if v.direction else forward_steps(v)


MASKED_STEPS: Equations = {
    "order": through_the_padding,
    "last": full_lengths,
    **altered("a_out", by=lambda right, v: np.where(v.order[:, v.t] < v.ends, right, v.a_prev)),
    **altered("c_next", by=lambda right, v: np.where(v.order[:, v.t] < v.ends, right, v.c_prev)),
}
"""Another right way to use lengths: a direction computes all steps of x, and holds states in the padding."""
