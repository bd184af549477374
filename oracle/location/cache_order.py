"""Caches whose entries stand in another order, where all else is right."""

from oracle.diagnosis.behaviour import Leaves, Program, same, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.when import experiments
from reference.contract import CONTRACTS


def in_another_order(function: str, program: Program, limits: Limits) -> Location | None:
    """In which order the entries of all caches are; `None` where that is right, or anything is wrong."""
    right = _entries(function)
    orders = {_order(function, program, inputs, limits) for inputs in experiments.ordinary(function)}
    (order, *others) = orders
    if others or order in ((), right):
        return None
    where = f"the order of a cache is not ({', '.join(right)})"
    return Location(where, "always", f"it is ({', '.join(order)})", equations=[where])


def _entries(function: str) -> tuple[str, ...]:
    return (*CONTRACTS[function].cache, "parameters")


def _order(function: str, program: Program, inputs: Inputs, limits: Limits) -> tuple[str, ...]:
    """That of all caches in an answer, each of which has every right entry once; else nothing."""
    right, shown, names = specification(function, limits)(inputs), program(inputs), _entries(function)
    if not same(shown.outputs, right.outputs) or not same(shown.arguments, right.arguments):
        return ()
    steps = [".0"] if CONTRACTS[function].is_cell else [f".0.0.{t}" for t in range(inputs.x.shape[2])]
    orders = set()
    for step in steps:
        ours, theirs = (
            [_below(f"{step}.{i}", each.caches) for i in range(len(names))] for each in (shown, right)
        )
        found = (next((i for i, entry in enumerate(theirs) if same(own, entry)), -1) for own in ours)
        orders.add(tuple(found))
    (order, *others) = orders
    is_complete = not others and sorted(order) == [*range(len(names))]
    return tuple(names[i] for i in order) if is_complete else ()


def _below(place: str, caches: Leaves) -> Leaves:
    """What is in one entry, by its place in that."""
    return {at[len(place) :]: leaf for at, leaf in caches.items() if f"{at}.".startswith(f"{place}.")}
