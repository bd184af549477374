"""Calls a layer step by step. Only a worker does this, because it runs code of the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy import asarray, float64, longdouble, ndarray


def call_each_step(call: Callable[[list[Any]], Any], arguments: Sequence[Any]) -> list[Any]:
    """Call a layer on each step alone, from the states that the call before returned.

    `call` takes the arguments of one call. `arguments` are those of a call on all steps: `x`, the initial
    states, the parameters and the options. Returns the values of all calls, up to the first one without
    states of the right size.
    """
    x, *states, parameters, options = arguments
    values: list[Any] = []
    for t in range(x.shape[2]):
        value = call([x[:, :, t : t + 1], *states, parameters, options])
        values.append(value)
        if not isinstance(value, (tuple, list)):
            break
        # Copies, since a later call may write to the arrays of an earlier answer.
        values[-1] = [each.copy() if isinstance(each, ndarray) else each for each in value]
        returned = values[-1][1:]
        try:
            states = [_state(*pair) for pair in zip(returned, states)] + states[len(returned) :]
        except Exception:  # a state of another size, or no array
            break
    return values


def _state(new: Any, old: Any) -> Any:
    """A returned state as the next initial state. It has no wider dtype than float64, as for the judge."""
    array = asarray(new)
    return array.astype(float64 if array.dtype == longdouble else array.dtype).reshape(old.shape)
