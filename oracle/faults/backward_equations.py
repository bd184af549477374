"""The four backward passes as tables of equations that a mistake can replace.

As in `oracle.faults.equations`, an equation computes one quantity from `v`. The attributes of `v` are the
known quantities: arguments, cache entries, weights, and the results of earlier equations.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracle.faults.equations import expression
from oracle.network.expressions import Equations
from oracle.network.sweep import evaluate
from reference.cache_validation import validate_backward, validate_cell_backward
from reference.contract import Array, Contract, Kind

_SLOPES = {"f": "ft * (1 - ft)", "i": "it * (1 - it)", "c": "1 - cct**2", "o": "ot * (1 - ot)"}

TEXT: Mapping[Kind, Mapping[str, str]] = {
    "rnn": {
        "slope": "1 - a_next**2",
        "dz": "da_next * slope",
        "dxt": "Wax.T @ dz",
        "da_prev": "Waa.T @ dz",
        "dWax": "dz @ xt.T",
        "dWaa": "dz @ a_prev.T",
        "dba": "dz.sum(axis=1, keepdims=True)",
    },
    "lstm": {
        "h": "np.tanh(c_next)",
        "slope": "1 - h**2",
        "through_h": "da_next * ot * slope",
        "dc": "dc_next + through_h",
        **{f"slope_{gate}": text for gate, text in _SLOPES.items()},
        "dzf": "dc * c_prev * slope_f",
        "dzi": "dc * cct * slope_i",
        "dzc": "dc * it * slope_c",
        "dzo": "da_next * h * slope_o",
        "concat": "np.concatenate([a_prev, xt])",
        **{f"dW{gate}": f"dz{gate} @ concat.T" for gate in "fico"},
        **{f"db{gate}": f"dz{gate}.sum(axis=1, keepdims=True)" for gate in "fico"},
        "back": "Wf.T @ dzf + Wi.T @ dzi + Wc.T @ dzc + Wo.T @ dzo",
        "da_prev": "back[:n_a]",
        "dxt": "back[n_a:]",
        "dc_prev": "dc * ft",
    },
}
"""The equations of one step, as text."""

CELL: Mapping[Kind, Equations] = {
    kind: {name: expression(text) for name, text in equations.items()} for kind, equations in TEXT.items()
}

BEGIN: Equations = {
    "steps": lambda v: reversed(range(v.T_x)),
    "da_carried": lambda v: np.zeros_like(v.da[:, :, 0]),
    "dc_carried": lambda v: np.zeros_like(v.da[:, :, 0]),
    "sums": lambda v: {},  # the gradients with respect to the parameters, summed over the steps
}
"""The equations before the first step of a sequence."""

STEP: Equations = {
    "da_next": lambda v: v.da[:, :, v.t] + v.da_carried,
    "dc_next": lambda v: v.dc_carried,
    "slot": lambda v: v.t,  # the time index at which the gradient with respect to xt is stored
}
"""The equations at the start of each step, before those of the cell."""

END: Equations = {"da0": lambda v: v.da_carried}

FUNCTIONS: Equations = {
    "added": lambda total, part: total + part,  # adds the part of a step to a sum over the steps
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
        return {name: equations["gradient"](name, getattr(v, name), v) for name in contract.outputs}
    v.da = arrays.pop("da")
    v.T_x = v.da.shape[2]
    evaluate(v, equations, BEGIN)
    sums = v.sums
    dx = np.zeros((len(arrays["xt"]), v.m, v.T_x), v.da.dtype)
    parameters = [name for name in contract.outputs if name[1] in "Wb"]
    for name in parameters:
        shape = (v.n_a, 1) if name[1] == "b" else getattr(v, name[1:]).shape
        sums.setdefault(name, np.zeros(shape, v.da.dtype))
    for t in v.steps:
        v.t = t
        vars(v).update((name, array[:, t]) for name, array in arrays.items())
        evaluate(v, equations, (*STEP, *CELL[contract.kind]))
        dx[:, :, v.slot] = v.dxt
        v.da_carried, v.dc_carried = v.da_prev, getattr(v, "dc_prev", None)
        for name in parameters:
            sums[name] = equations["added"](sums[name], getattr(v, name))
    evaluate(v, equations, END)
    gradients = {"dx": dx, "da0": v.da0, **sums}
    return {name: equations["gradient"](name, gradients[name], v) for name in contract.outputs}
