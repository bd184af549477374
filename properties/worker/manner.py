"""The manner of a call: the memory layout, the calls before and after it, or parts of its steps."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from properties.worker.arguments import Arrangement, arrange, rewritten
from properties.worker.steps import call_in_parts


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
