"""The four backward passes as tables of equations that a mistake can replace.

As in `oracle.faults.equations`, an equation computes one quantity from `v`. The attributes of `v` are the
known quantities: arguments, cache entries, weights, and the results of earlier equations. Those of a step
come from `oracle.network.backward.equations_back`. The backward passes of layers use `unroll_back`, too: see
`oracle.faults.layer_backward_equations`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from oracle.network.backward import equations_back
from oracle.network.equations import SHARED, SLOPES, Equations, equation
from oracle.network.forward import evaluate
from reference.contract import NETWORKS, Array, Contract, Kind
from reference.validation import validate_backward, validate_cell_backward

CELL: Mapping[Kind, Equations] = {
    kind: {name: equation(each) for name, each in equations_back(kind).items()} for kind in NETWORKS
}

OPERATIONS: Equations = {
    **SHARED,
    **SLOPES,
    "times": np.multiply,
    "tanh": np.tanh,
    "transposed": lambda W, g: W.T @ g,
    "outer": lambda g, u: g @ u.T,
    "over_samples": lambda g: g.sum(axis=1, keepdims=True),
    "rows_of_state": lambda g, n_a: g[:n_a],
    "rows_of_input": lambda g, n_a: g[n_a:],
}

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

TRANSFORMS: Equations = {
    "added": lambda total, part, name: total + part,  # adds the part of a step to a sum over the steps
    "gradient": lambda name, array, v: array,  # returns a gradient, by default without a change
}

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**BEGIN, **STEP, **cell, **END, **TRANSFORMS} for kind, cell in CELL.items()
}


def run(contract: Contract, equations: Equations, v: Any, *arguments: Any) -> dict[str, Array]:
    """Compute the gradients, by name. Raises the errors of the equations and of `validation`."""
    *incoming, caches = arguments
    validate = validate_backward if contract.cell else validate_cell_backward
    arrays, weights = validate(contract.name, dict(zip(contract.arguments, incoming, strict=True)), caches)
    vars(v).update(OPERATIONS, **weights)
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
