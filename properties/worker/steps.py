"""Calls a forward pass on parts of a sequence. Only a worker does this: it runs code of the target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy import asarray, float64, longdouble, ndarray


def call_in_parts(
    call: Callable[[list[Any]], Any], arguments: Sequence[Any], parts: Sequence[int]
) -> list[Any]:
    """Call a forward pass on one part of the steps after the other, as a stream does.

    Each call starts from the very states that the call before returned: the last states of a layer, or the
    last step of the hidden states of a sequence. `call` takes the arguments of one call, `arguments` are
    those of a call on all steps, and `parts` are the numbers of steps. Returns the values of all calls, up to
    the first one without states of the right size.
    """
    is_layer = isinstance(arguments[-2], list)  # the parameters, followed by the options
    end = -2 if is_layer else -1
    (x, *states), others = arguments[:end], arguments[end:]
    values: list[Any] = []
    start = 0
    for steps in parts:
        value = call([x[:, :, start : start + steps].copy(), *states, *others])
        start += steps
        values.append(value)
        if not isinstance(value, (tuple, list)):
            break
        # Copies, since a later call may write to the arrays of an earlier answer.
        values[-1] = [each.copy() if isinstance(each, ndarray) else each for each in value]
        try:
            returned = value[1:] if is_layer else [asarray(value[0])[:, :, -1]]
            states = [_state(*pair) for pair in zip(returned, states)] + states[len(returned) :]
        except Exception:  # a state of another size, or no array
            break
    return values


def _state(new: Any, old: Any) -> Any:
    """A returned state as the next initial state. It has no wider dtype than float64, as for the judge."""
    array = asarray(new)
    array = array.astype(float64) if array.dtype == longdouble else array
    return array if array.shape == old.shape else array.reshape(old.shape)
