"""Changes one argument of a problem, as a caller does from call to call."""

from collections.abc import Iterator, Mapping
from typing import Any

from oracle.problems.inputs import Inputs
from oracle.problems.problem import Problem, siblings
from reference.contract import CONTRACTS, Array

CHANGES = 2
"""The number of changes of one problem. Five problems with seeds in a row change ten arguments in turn."""

TRAINED = "parameters after a step of training"
STEP = 2.0**-6
"""The part of the difference to the other parameters that a step of training adds to each parameter."""

_FIELDS = {"xt": "x", "a_prev": "a0", "c_prev": "c0", "da_next": "da", "dc_next": "dc"}
"""The fields of `Inputs` that have the arguments of a cell."""


def changed_inputs(function: str, problem: Problem) -> Iterator[tuple[str, Inputs]]:
    """Inputs that each differ from those of a problem in one argument, with words for it.

    The new numbers are those of the problem with the next seed. A step of training changes all parameters by
    a little. In a backward pass that takes caches, an argument of the forward pass changes the caches.
    """
    contract, seed = CONTRACTS[function], problem.seed
    inputs, other = (each.inputs(function) for each in siblings(problem, 2))
    arguments = [*contract.arguments, *(CONTRACTS[contract.forward].arguments if contract.cache else ())]
    lengths = ["lengths"] if getattr(inputs, "lengths", None) is not None else []
    parameters = [other.parameters] if isinstance(other.parameters, Mapping) else other.parameters
    names = [*dict.fromkeys([*arguments, *lengths, *sorted(parameters[0]), TRAINED])]
    for number in range(CHANGES * seed, CHANGES * (seed + 1)):
        name = names[number % len(names)]
        field = _FIELDS.get(name, name)
        if hasattr(inputs, field):
            changed = inputs.with_fields(**{field: getattr(other, field)})
        else:
            changed = _with_parameters(inputs, parameters, name, seed // len(names) % len(parameters))
        yield name if name == TRAINED else f"another {name}", changed


def _with_parameters(inputs: Any, parameters: Any, name: str, place: int) -> Any:
    """The inputs with one of the other parameters, of the direction `place`, or after a step of training."""
    others = enumerate(parameters)  # `with_parameters` calls `changed` once for each direction, in order

    def changed(p: Mapping[str, Array]) -> Mapping[str, Array]:
        number, q = next(others)
        if name == TRAINED:
            return {each: p[each] + STEP * (q[each] - p[each]) for each in p}
        return {**p, name: q[name]} if number == place else p

    return inputs.with_fields(parameters=inputs.with_parameters(changed).parameters)
