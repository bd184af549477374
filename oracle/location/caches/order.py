"""Caches whose entries stand in another order, where all else is right."""

from collections.abc import Callable

from oracle.diagnosis.behaviour import Behaviour, Leaves, Program, same, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.caches.stored import cells, problems, stores
from oracle.location.location import Location
from oracle.location.where.equation import CACHED
from reference.contract import CONTRACTS

Order = tuple[int, ...]
"""For each place of a cache which entry stands there."""


def in_another_order(
    function: str, program: Program, counterexample: Inputs, anew: Callable[[], None], limits: Limits
) -> Location | None:
    """In which order the entries of all caches are, in a new process and later, whatever is asked.

    `None` where that is right, or where it is not all that is wrong.
    """
    names = (*CONTRACTS[function].cache, "parameters")
    usual = Order(range(len(names)))
    if not limits.caches:
        return None
    anew()
    order = usual
    for inputs in problems(function, counterexample, limits):
        right, shown = specification(function, limits)(inputs), program(inputs)
        order = _order(function, inputs, shown, right) if order == usual else order
        if order == usual or not stores(shown, _reordered(order, function, inputs, right), right):
            return None
    where = f"the order of a cache is not ({', '.join(names)})"
    moved = [f"{CACHED}{names[i]}" for place, i in enumerate(order) if i not in (place, len(names) - 1)]
    how = f"it is ({', '.join(names[i] for i in order)})"
    return Location(where, "always", how, equations=moved)


def _order(function: str, inputs: Inputs, shown: Behaviour, right: Behaviour) -> Order:
    """That of the first cache; the right one where it is no order of the right entries."""
    first, count = cells(function, inputs)[0], len(CONTRACTS[function].cache) + 1
    ours, theirs = ([_below(f"{first}.{i}", each.caches) for i in range(count)] for each in (shown, right))
    order = tuple(next((i for i, entry in enumerate(theirs) if same(own, entry)), -1) for own in ours)
    return order if sorted(order) == [*range(count)] else Order(range(count))


def _reordered(order: Order, function: str, inputs: Inputs, right: Behaviour) -> Leaves:
    """The right caches, with their entries in this order."""
    caches = dict(right.caches)
    for cell in cells(function, inputs):
        for place, i in enumerate(order):
            for at in _below(f"{cell}.{place}", right.caches):
                del caches[f"{cell}.{place}{at}"]
            entry = _below(f"{cell}.{i}", right.caches)
            caches |= {f"{cell}.{place}{at}": leaf for at, leaf in entry.items()}
    return caches


def _below(place: str, caches: Leaves) -> Leaves:
    """What is in one entry, by its place in that."""
    return {at[len(place) :]: leaf for at, leaf in caches.items() if f"{at}.".startswith(f"{place}.")}
