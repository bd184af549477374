"""Whole layers as tables of equations that a mistake can replace.

One direction of one layer is a sequence as in `oracle.faults.equations`; a mistake can replace its equations,
too. The equations of this module are around the steps: the input of a direction, the order of its steps, its
initial states, its number of steps, and how results are combined. Quantities are attributes of `v`. `v.call`
is the checked call, `k` the index of a direction in the list of parameters, and `layer` and `direction` are
the two numbers of that index.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracle.faults import equations as sequence
from oracle.faults.equations import ARGUMENTS, CACHE, FUNCTIONS, Equations, evaluate, unroll
from oracle.step import HEAD
from reference.contract import CONTRACTS, Array, Kind
from reference.rnn import ACTIVATIONS
from reference.validation import validate_layers


def every_step(v: Any) -> Array:
    """T_x for each sample, `(m,)`: the default lengths."""
    return np.full(v.m, v.T_x)


def forwards(v: Any) -> Array:
    """The steps of each sample in the order of time, `(m, T_x)`."""
    return np.broadcast_to(np.arange(v.T_x), (v.m, v.T_x))


def backwards(v: Any, ends: Array) -> Array:
    """The steps of each sample from its last step back, `(m, T_x)`; steps in the padding stay in place."""
    t, ends = forwards(v), ends[:, None]
    return np.where(t < ends, ends - 1 - t, t)


def taken(states: Array, steps: Array) -> Array:
    """The states `(n, m, T_x)` of each sample in the order of its `steps (m, T_x)`."""
    return np.take_along_axis(states, steps[None], axis=2)


def after(ends: Array, first: Array, states: Array) -> Array:
    """The state of each sample after its number of steps; `first` is the initial state."""
    return taken(np.concatenate([first[:, :, None], states], axis=2), ends[:, None])[:, :, 0]


BEGIN: Equations = {
    "lengths": lambda v: every_step(v) if v.call.lengths is None else v.call.lengths,
    "a_first": lambda v: v.given["a0"],
    "c_first": lambda v: v.given.get("c0", v.a_first),
    "below": lambda v: v.given["x"],
}
"""The equations before the first layer. `below (n, m, T_x)` is the input of a layer."""

PLACE: Equations = {
    "p": lambda v: v.call.parameters[v.k],
    "activation": lambda v: v.call.activation,
    "begin": lambda v: v.k,  # the index of its initial states
    "ends": lambda v: v.lengths,
    "order": lambda v: backwards(v, v.ends) if v.direction else forwards(v),
    "read": lambda v: taken(v.below, v.order),
    "a_begin": lambda v: v.a_first[v.begin],
    "c_begin": lambda v: v.c_first[v.begin],
}
"""The equations before the steps of a direction."""

SEQUENCE: Equations = {
    **{name: equation for name, equation in sequence.BEGIN.items() if name != "y"},
    "c0": lambda v: v.c0,
    "a": lambda v: np.zeros((v.n_h, v.m, v.T_x), v.x.dtype),
}
"""The start of the sequence of a direction: its input `x` and its initial states `a0` and `c0`."""

CELL: Mapping[Kind, Equations] = {
    kind: {
        **{name: equation for name, equation in cell.items() if name not in (*HEAD, *CACHE)},
        "a_out": lambda v: v.project(v.a_next),
    }
    for kind, cell in sequence.CELL.items()
}
"""One step without the head; `a_out` is the hidden state after the projection."""

STEP: Equations = {"a_prev": lambda v: v.a_out if v.t else v.a0, "entry": lambda v: v.a_next}
"""The equations that differ in a step of a layer. `kept` has the hidden states before the projection."""

ENDED: Equations = {
    "hidden": lambda v: taken(v.a, v.order),  # the order is its own inverse
    "last": lambda v: v.ends,  # the number of steps before the last states
    "a_end": lambda v: after(v.last, v.a0, v.a),
    "c_end": lambda v: after(v.last, v.c0, v.c),
}
"""The equations after the steps of a direction; `a` and `c` are in the order of its steps."""

LAYER: Equations = {
    "joined": lambda v: np.concatenate(v.both),
    "padded": lambda v: np.where(np.arange(v.T_x) < v.lengths[:, None], v.joined, 0),
}
"""The equations after a layer; `both` has the hidden states of its one or two directions."""

BETWEEN: Equations = {"between": lambda v: v.padded}
"""The input of the next layer."""

END: Equations = {
    "top": lambda v: v.padded,
    "a_last": lambda v: np.stack(v.a_ends),
    "c_last": lambda v: np.stack(v.c_ends),
}
"""The returned arrays; `top` is the hidden states of the top layer."""

AROUND = frozenset({*BEGIN, *PLACE, "a0", "c0", *ENDED, *LAYER, *BETWEEN, *END})
"""The names of the equations around the steps of a layer."""

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {
        **sequence.SPECIFICATION[kind],
        **BEGIN,
        **PLACE,
        **SEQUENCE,
        **CELL[kind],
        **STEP,
        **ENDED,
        **LAYER,
        **BETWEEN,
        **END,
    }
    for kind in CELL
}


@np.errstate(all="ignore")
def run(function: str, changes: Equations, memory: dict[Any, Any], *arguments: Any) -> tuple[Any, ...]:
    """Call `function` with changed equations; `memory` lasts from call to call.

    Raises the errors of the changed equations and of `reference.validation.validate_layers`.
    """
    contract = CONTRACTS[function]
    equations = {**SPECIFICATION[contract.kind], **changes}
    count = len(contract.arguments)
    parameters, options = (*arguments[count:], None)[:2]
    v = SimpleNamespace(arguments=arguments[:count], memory=memory, a_ends=[], c_ends=[])
    evaluate(v, equations, ARGUMENTS)
    given = dict(zip(contract.arguments, v.arguments, strict=True))
    v.call = validate_layers(function, given, parameters, options)
    v.given = {name: equations["given"](array) for name, array in v.call.arguments.items()}
    vars(v).update((name, equations[name]) for name in FUNCTIONS)
    v.D, v.L = v.call.directions, len(v.call.parameters) // v.call.directions
    v.m, v.T_x = v.given["x"].shape[1:]
    evaluate(v, equations, BEGIN)
    v.n_h, v.n_a = v.given["a0"].shape[1], v.given.get("c0", v.given["a0"]).shape[1]
    for k in range(v.L * v.D):
        v.k, (v.layer, v.direction) = k, divmod(k, v.D)
        if not v.direction:
            v.both = []
        _one_direction(v, equations, CELL[contract.kind])
        v.both.append(v.hidden)
        v.a_ends.append(v.a_end)
        v.c_ends.append(v.c_end)
        if v.direction == v.D - 1:
            evaluate(v, equations, LAYER)
            if v.layer < v.L - 1:
                evaluate(v, equations, BETWEEN)
                v.below = v.between
    evaluate(v, equations, END)
    results = {"a": v.top, "a_last": v.a_last, "c_last": v.c_last}
    returned = equations["returned"](tuple(contract.outputs))
    return tuple(equations["answer"](results[name]) for name in returned)


def _one_direction(v: Any, equations: Equations, cell: Equations) -> None:
    evaluate(v, equations, PLACE)
    v.x, v.a0, v.c0, v.n_x = v.read, v.a_begin, v.c_begin, len(v.read)
    vars(v).update(equations["parameters"](v.p))
    v.project = (lambda state: v.Wp @ state) if "Wp" in v.p else (lambda state: state)
    v.tanh = ACTIVATIONS["relu"] if v.activation == "relu" else equations["tanh"]
    evaluate(v, equations, SEQUENCE)
    unroll(v, equations, cell, {"a": "a_out", "c": "c_next"})
    evaluate(v, equations, ENDED)
