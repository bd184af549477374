"""The manner of a call: the memory layout, the calls before and after it, or parts of its steps."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from numpy import asarray, float64, longdouble, ndarray

from properties.worker.arguments import Arrangement, arrange, rewritten


class Manner(NamedTuple):
    """How a function is called.

    `arrangement` is the memory layout of the arrays. After this call the function is called with each of the
    lists of arguments in `then`. `with_right_cell` replaces the cell that a forward pass calls by the
    reference's. `parts` calls a forward pass as `call_in_parts` does. With arguments of an `earlier` call,
    the function is called on these first, and then on the others in the same containers and arrays, as in
    `rewritten`.
    """

    arrangement: Arrangement = "C"
    then: Sequence[Sequence[Any]] = ()
    with_right_cell: bool = False
    parts: Sequence[int] = ()
    earlier: Sequence[Any] = ()
    in_place: bool = True


def make_calls(
    call: Callable[[list[Any]], Any], arguments: Sequence[Any], manner: Manner, *, with_aliases: bool = False
) -> tuple[Any, list[Any]]:
    """Make all calls of a manner; `call` takes the arguments of one call.

    Returns the value, and the arguments after the call. The caller replaces the cell. `with_aliases` is as in
    `arrange`.
    """
    arranged = partial(arrange, arrangement=manner.arrangement, with_aliases=with_aliases)
    given = arranged(arguments)
    if manner.earlier:
        before = arranged(manner.earlier)
        call(before)
        given = rewritten(before, given, in_place=manner.in_place)
    value = call_in_parts(call, given, manner.parts) if manner.parts else call(given)
    for later in manner.then:
        call(arranged(later))
    return value, given


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
