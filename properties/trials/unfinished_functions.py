"""Finds functions that are still to be written, as in the starter of an exercise."""

import numpy as np

from oracle.problem import Problem
from properties.implementations.implementation import Died, Implementation, Raised, Returned
from reference.contract import CONTRACTS

PLACEHOLDER_TYPES = ("NoneType", "ellipsis")
"""The types of placeholders, as error messages name them."""


def unfinished(implementation: Implementation, function: str) -> str:
    """The placeholder in the code of an unfinished function, and its place; empty for a finished one.

    A function is unfinished if its code has a placeholder and a call shows it: the function returns `None` or
    only NaN for an output, or raises because a value or one of its own results is missing. Any other name
    that is missing is an error.
    """
    where = implementation.load().unfinished.get(function, "")
    history = implementation.histories[function]
    if where and history.is_unfinished is None:
        kind = CONTRACTS[function].problem_kind
        sizes = {"n_x": 2, "n_a": 3, "m": 3, "T_x": 4, **({} if CONTRACTS[function].is_layer else {"n_y": 2})}
        problem: Problem = implementation.limits.fitted(getattr(Problem, kind)(**sizes))
        history.is_unfinished = _shows_placeholder(
            implementation.call(function, problem.arguments(function)), function
        )
    return where if history.is_unfinished else ""


def _shows_placeholder(reply: Returned | Raised | Died, function: str) -> bool:
    if isinstance(reply, Raised):
        if reply.type_name in ("NameError", "UnboundLocalError"):
            contract = CONTRACTS[function]
            results = {*contract.outputs, *contract.cache, "cache", "caches"} - {*contract.arguments}
            return any(f"'{name}'" in reply.message for name in results)
        return reply.type_name == "NotImplementedError" or any(
            name in reply.message for name in PLACEHOLDER_TYPES
        )
    if not isinstance(reply, Returned):
        return False
    value = [*reply.value.values()] if isinstance(reply.value, dict) else reply.value
    value = value if isinstance(value, (tuple, list)) else [value]
    outputs = value[: len(CONTRACTS[function].outputs)]
    return any(output is None or _is_nan(output) for output in outputs)


def _is_nan(output: object) -> bool:
    return isinstance(output, np.ndarray) and output.dtype.kind == "f" and bool(np.isnan(output).all())
