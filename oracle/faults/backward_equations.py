"""The four backward passes as a table of equations, each of which can be replaced.

As in `oracle.faults.equations`, an equation gives one quantity from `v`, which holds by name what is known so
far: what is given, what is in the caches, the weights, and the quantities before it.
"""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from oracle.faults.equations import Equations, evaluate
from reference.cached import validate_backward, validate_cell_backward
from reference.contract import CONTRACTS, Array, Kind


def _by_weights(gates: str) -> Equations:
    """The gradients by the weights and biases of each gate."""

    def of(gate: str) -> Equations:
        return {
            f"dW{gate}": lambda v: getattr(v, f"dz{gate}") @ v.concat.T,
            f"db{gate}": lambda v: getattr(v, f"dz{gate}").sum(axis=1, keepdims=True),
        }

    return {name: equation for gate in gates for name, equation in of(gate).items()}


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
        **_by_weights("fico"),
        "back": lambda v: v.Wf.T @ v.dzf + v.Wi.T @ v.dzi + v.Wc.T @ v.dzc + v.Wo.T @ v.dzo,
        "da_prev": lambda v: v.back[: v.n_a],
        "dxt": lambda v: v.back[v.n_a :],
        "dc_prev": lambda v: v.dc * v.ft,
    },
}

BEGIN: Equations = {
    "steps": lambda v: reversed(range(v.T_x)),
    "da_carried": lambda v: np.zeros_like(v.da[:, :, 0]),
    "dc_carried": lambda v: np.zeros_like(v.da[:, :, 0]),
    "begun": lambda v: {},  # the sums over the steps
}
"""How a sequence begins."""

STEP: Equations = {
    "da_next": lambda v: v.da[:, :, v.t] + v.da_carried,
    "dc_next": lambda v: v.dc_carried,
    "slot": lambda v: v.t,  # where the gradient by the input goes
}
"""How a step of a sequence begins; a cell follows."""

ADDED: Equations = {"added": lambda total, part: total + part}
"""What becomes of a sum over the steps in each."""

END: Equations = {"da0": lambda v: v.da_prev}

TRANSFORMS: Equations = {"gradient": lambda name, array, v: array}
"""What becomes of each gradient before it is returned."""

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**BEGIN, **STEP, **cell, **ADDED, **END, **TRANSFORMS} for kind, cell in CELL.items()
}


@np.errstate(all="ignore")
def run(function: str, changes: Equations, memory: dict[Any, Any], *given: Any) -> dict[str, Array]:
    """Call `function` with some of its equations changed; `memory` is what lasts from call to call.

    Raises what the changed equations raise, and what `reference.cached` does.
    """
    contract = CONTRACTS[function]
    equations = {**SPECIFICATION[contract.kind], **changes}
    *incoming, caches = given
    named = dict(zip(contract.arguments, incoming, strict=True))
    validate = validate_cell_backward if contract.is_cell else validate_backward
    arrays, weights = validate(function, named, caches)
    v = SimpleNamespace(memory=memory, **weights)
    v.n_a, v.m = arrays["a_next"].shape[0], arrays["a_next"].shape[-1]
    if contract.is_cell:
        vars(v).update(arrays)
        evaluate(v, equations, CELL[contract.kind])
        return {name: equations["gradient"](name, getattr(v, name), v) for name in contract.outputs}
    v.da = arrays.pop("da")
    v.T_x = v.da.shape[2]
    evaluate(v, equations, BEGIN)
    sums = v.begun
    dx = np.zeros((len(arrays["xt"]), v.m, v.T_x), v.da.dtype)
    for t in v.steps:
        v.t = t
        vars(v).update((name, array[:, t]) for name, array in arrays.items())
        evaluate(v, equations, (*STEP, *CELL[contract.kind]))
        dx[:, :, v.slot] = v.dxt
        v.da_carried, v.dc_carried = v.da_prev, getattr(v, "dc_prev", None)
        for name in contract.outputs:
            if name[1] in "Wb":
                part = getattr(v, name)
                sums[name] = equations["added"](sums.get(name, np.zeros_like(part)), part)
    evaluate(v, equations, END)
    returned = {"dx": dx, "da0": v.da0, **sums}
    return {name: equations["gradient"](name, returned[name], v) for name in contract.outputs}
