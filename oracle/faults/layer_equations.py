"""Whole layers as tables of equations that a mistake can replace.

`oracle.network.forward` has the equations outside the steps: the input of a direction, the order and the
number of its steps, its initial states, and how the results of directions and layers are combined. Each
equation is a function of `v`, whose attributes are the quantities known so far. `v.call` has the validated
arguments. `v.k` is the index of a direction in the list of parameters: layer `v.layer`, direction
`v.direction` (0 forward, 1 backward).
"""

from collections.abc import Mapping
from typing import Any

from oracle.faults import equations as sequence
from oracle.faults.equations import ARGUMENTS, CACHE, OPERATIONS
from oracle.network.equations import CELLS, Equations
from oracle.network.forward import LAYER_EQUATIONS, evaluate, unroll_layers
from reference.contract import Contract, Kind
from reference.validation import validate_layers

SPECIFICATION: Mapping[Kind, Equations] = {
    kind: {**{n: e for n, e in sequence.SPECIFICATION[kind].items() if n not in CACHE}, **LAYER_EQUATIONS}
    for kind in CELLS
}


def run(contract: Contract, equations: Equations, v: Any, *arguments: Any) -> tuple[Any, ...]:
    """Compute what a layer returns. Raises the errors of the equations and of `validate_layers`."""
    count = len(contract.arguments)
    parameters, options = (*arguments[count:], None)[:2]  # a call may omit the options
    v.kind, v.arguments = contract.kind, arguments[:count]
    evaluate(v, equations, ARGUMENTS)
    named = dict(zip(contract.arguments, v.arguments, strict=True))
    v.call = validate_layers(contract.name, named, parameters, options)
    v.inputs = {name: equations["argument"](array) for name, array in v.call.arguments.items()}
    vars(v).update((name, equations[name]) for name in OPERATIONS)
    v.n_h, v.n_a = v.inputs["a0"].shape[1], v.inputs.get("c0", v.inputs["a0"]).shape[1]
    unroll_layers(v, equations, CELLS[contract.kind])
    results = {"a": v.top, "a_last": v.a_last, "c_last": v.c_last}
    returned = equations["returned"](tuple(contract.outputs))
    return tuple(equations["answer"](results[name]) for name in returned)
