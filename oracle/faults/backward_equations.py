"""The four backward passes as tables of equations that a mistake can replace.

As in `oracle.faults.equations`, an equation computes one quantity from `v`. The attributes of `v` are the
known quantities: arguments, cache entries, weights, and the results of earlier equations. The backward passes
of layers use `unroll_back`, too: see `oracle.faults.layer_backward_equations`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracle.network.expressions import Equations
from oracle.network.sweep import evaluate
from reference.cache_validation import validate_backward, validate_cell_backward
from reference.contract import Array, Contract, Kind

CELL: Mapping[Kind, Equations] = {
    "rnn": {
        "slope": lambda v: 1 - v.a_next**2,
        "dz": lambda v: v.da_next * v.slope,
        "dxt": lambda v: v.Wax.T @ v.dz,
        "da_prev": lambda v: v.Waa.T @ v.dz,
        "dWax": lambda v: v.dz @ v.xt.T,
        "dWaa": lambda v: v.dz @ v.a_prev.T,
        "dba": lambda v: v.dz.sum(axis=1, keepdims=True),
    },
    "lstm": {
        "h": lambda v: np.tanh(v.c_next),
        "slope": lambda v: 1 - v.h**2,
        "through_h": lambda v: v.da_next * v.ot * v.slope,
        "dc": lambda v: v.dc_next + v.through_h,
        "slope_f": lambda v: v.ft * (1 - v.ft),
        "slope_i": lambda v: v.it * (1 - v.it),
        "slope_c": lambda v: 1 - v.cct**2,
        "slope_o": lambda v: v.ot * (1 - v.ot),
        "dzf": lambda v: v.dc * v.c_prev * v.slope_f,
        "dzi": lambda v: v.dc * v.cct * v.slope_i,
        "dzc": lambda v: v.dc * v.it * v.slope_c,
        "dzo": lambda v: v.da_next * v.h * v.slope_o,
        "concat": lambda v: np.concatenate([v.a_prev, v.xt]),
        **{f"dW{g}": lambda v, dz=f"dz{g}": getattr(v, dz) @ v.concat.T for g in "fico"},
        **{f"db{g}": lambda v, dz=f"dz{g}": getattr(v, dz).sum(axis=1, keepdims=True) for g in "fico"},
        "back": lambda v: v.Wf.T @ v.dzf + v.Wi.T @ v.dzi + v.Wc.T @ v.dzc + v.Wo.T @ v.dzo,
        "da_prev": lambda v: v.back[: v.n_a],
        "dxt": lambda v: v.back[v.n_a :],
        "dc_prev": lambda v: v.dc * v.ft,
    },
}
"""The equations of one step."""

FORMULAS: Mapping[Kind, Mapping[str, str]] = {
    "rnn": {
        "slope": "1 - a_next ** 2",
        "dz": "da_next * (1 - a_next ** 2)",
        "dxt": "Wax.T dz",
        "da_prev": "Waa.T dz",
        "dWax": "dz xt.T",
        "dWaa": "dz a_prev.T",
        "dba": "the sum of dz over the samples",
    },
    "lstm": {
        "h": "tanh(c_next)",
        "slope": "1 - tanh(c_next) ** 2",
        "through_h": "da_next * ot * (1 - tanh(c_next) ** 2)",
        "dc": "dc_next + da_next * ot * (1 - tanh(c_next) ** 2)",
        "slope_f": "ft * (1 - ft)",
        "slope_i": "it * (1 - it)",
        "slope_c": "1 - cct ** 2",
        "slope_o": "ot * (1 - ot)",
        "dzf": "dc * c_prev * ft * (1 - ft)",
        "dzi": "dc * cct * it * (1 - it)",
        "dzc": "dc * it * (1 - cct ** 2)",
        "dzo": "da_next * tanh(c_next) * ot * (1 - ot)",
        "concat": "[a_prev; xt]",
        **{f"dW{g}": f"dz{g} [a_prev; xt].T" for g in "fico"},
        **{f"db{g}": f"the sum of dz{g} over the samples" for g in "fico"},
        "back": "Wf.T dzf + Wi.T dzi + Wc.T dzc + Wo.T dzo",
        "da_prev": "the rows of a_prev in [da_prev; dxt]",
        "dxt": "the rows of xt in [da_prev; dxt]",
        "dc_prev": "dc * ft",
    },
}
"""The equations of one step as they are written in messages."""

UNNAMED = ("h", "slope", "through_h", "concat", *(f"slope_{g}" for g in "fico"))
"""The quantities of a step that have no name in messages, but only a formula."""

BEGIN: Equations = {
    "steps": lambda v: reversed(range(v.T_x)),
    "da_carried": lambda v: np.zeros(v.da.shape[:2], v.da.dtype),
    "dc_carried": lambda v: np.zeros(v.dc_direct.shape[:2], v.da.dtype),
    "sums": lambda v: {},  # the gradients with respect to the parameters, summed over the steps
}
"""The equations before the first step of a sequence."""

STEP: Equations = {
    "d_hidden": lambda v: v.da[:, :, v.t] + v.da_carried,
    "da_next": lambda v: v.d_hidden if v.Wp is None else v.Wp.T @ v.d_hidden,
    "dc_next": lambda v: v.dc_direct[:, :, v.t] + v.dc_carried,
    "slot": lambda v: v.t,  # the time index at which the gradient with respect to xt is stored
}
"""The equations at the start of each step, before those of the cell."""

END: Equations = {"da0": lambda v: v.da_carried, "dc0": lambda v: v.dc_carried}

FUNCTIONS: Equations = {
    "added": lambda total, part, name: total + part,  # adds the part of a step to a sum over the steps
    "gradient": lambda name, array, v: array,  # returns a gradient, by default without a change
}

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**BEGIN, **STEP, **cell, **END, **FUNCTIONS} for kind, cell in CELL.items()
}


def run(contract: Contract, equations: Equations, v: Any, *arguments: Any) -> dict[str, Array]:
    """Compute the gradients, by name. Raises the errors of the equations and of `cache_validation`."""
    *incoming, caches = arguments
    validate = validate_cell_backward if contract.is_cell else validate_backward
    arrays, weights = validate(contract.name, dict(zip(contract.arguments, incoming, strict=True)), caches)
    vars(v).update(weights)
    v.n_a, v.m = arrays["a_next"].shape[0], arrays["a_next"].shape[-1]
    if contract.is_cell:
        vars(v).update(arrays)
        evaluate(v, equations, CELL[contract.kind])
        gradients = {name: getattr(v, name) for name in contract.outputs}
    else:
        v.da, v.Wp = arrays.pop("da"), None
        v.dc_direct = np.zeros_like(v.da)
        shapes = {
            name: (v.n_a, 1) if name[1] == "b" else weights[name[1:]].shape
            for name in contract.outputs
            if name[1] in "Wb"
        }
        gradients = unroll_back(v, equations, contract.kind, arrays, shapes)
    return {name: equations["gradient"](name, gradients[name], v) for name in contract.outputs}


def unroll_back(
    v: Any,
    equations: Equations,
    kind: Kind,
    arrays: Mapping[str, Array],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, Array]:
    """Compute the gradients of a sequence.

    `v.da (v.n_a, m, T_x)` and `v.dc_direct (n, m, T_x)` are the direct gradients with respect to the states,
    where n is `v.n_a`, unless the hidden state is projected. `arrays` has the cached quantities, each
    `(n, T_x, m)`, and `shapes` the shapes of the gradients with respect to the parameters.
    """
    v.T_x, v.arrays = v.da.shape[2], arrays
    evaluate(v, equations, BEGIN)
    sums = v.sums
    for name, shape in shapes.items():
        sums.setdefault(name, np.zeros(shape, v.da.dtype))
    dx = np.zeros((len(arrays["xt"]), v.m, v.T_x), v.da.dtype)
    names = [*STEP, *CELL[kind], *(["dWp"] if "dWp" in shapes else [])]
    for t in v.steps:
        v.t = t
        vars(v).update((name, array[:, t]) for name, array in arrays.items())
        evaluate(v, equations, names)
        dx[:, :, v.slot] = v.dxt
        v.da_carried, v.dc_carried = v.da_prev, getattr(v, "dc_prev", v.dc_carried)
        for name in shapes:
            sums[name] = equations["added"](sums[name], getattr(v, name), name)
    evaluate(v, equations, END)
    return {"dx": dx, "da0": v.da0, "dc0": v.dc0, **sums}
