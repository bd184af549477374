"""Functions that are still to be written: the starter of an exercise, as it was handed out."""

import numpy as np

from oracle.problem import Problem
from properties.implementations.implementation import Died, Implementation, Raised, Returned
from reference.contract import CONTRACTS

OF_NOTHING = ("NoneType", "ellipsis")
"""How the errors call what stands in the place of a value."""


def unfinished(implementation: Implementation, function: str) -> str:
    """Where a function's code says that it is still to be written; empty where it is finished.

    That is so if it has a placeholder and, asked once, shows it: it returns `None` for an output, or nothing
    but NaN, or raises because a value or one of its own results is not there. Another name that is not
    there is an error.
    """
    said = implementation.load().unfinished.get(function, "")
    record = implementation.records[function]
    if said and record.unfinished is None:
        kind = CONTRACTS[function].problem_kind
        sizes = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4, **({} if CONTRACTS[function].is_layer else {"n_y": 2})}
        problem: Problem = implementation.limits.fitted(getattr(Problem, kind)(**sizes))
        record.unfinished = _shows_it(implementation.call(function, problem.arguments(function)), function)
    return said if record.unfinished else ""


def _shows_it(reply: Returned | Raised | Died, function: str) -> bool:
    if isinstance(reply, Raised):
        if reply.type_name in ("NameError", "UnboundLocalError"):
            contract = CONTRACTS[function]
            results = {*contract.outputs, *contract.cache, "cache", "caches"} - {*contract.arguments}
            return any(f"'{name}'" in reply.message for name in results)
        return reply.type_name == "NotImplementedError" or any(name in reply.message for name in OF_NOTHING)
    if not isinstance(reply, Returned):
        return False
    value = [*reply.value.values()] if isinstance(reply.value, dict) else reply.value
    value = value if isinstance(value, (tuple, list)) else [value]
    outputs = value[: len(CONTRACTS[function].outputs)]
    return any(output is None or _is_nan(output) for output in outputs)


def _is_nan(output: object) -> bool:
    return isinstance(output, np.ndarray) and output.dtype.kind == "f" and bool(np.isnan(output).all())
