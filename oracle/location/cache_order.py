"""Caches whose entries stand in another order, where all else is right."""

from collections.abc import Callable, Iterator, Sequence

from oracle.diagnosis.behaviour import Behaviour, Leaves, Program, same, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.location import Location
from oracle.location.when import experiments
from oracle.location.where.equation import CACHED
from reference.contract import CONTRACTS

Order = tuple[int, ...]
"""For each place of a cache which entry stands there."""


def caches_in_another_order(
    function: str, program: Program, counterexample: Inputs, anew: Callable[[], None], limits: Limits
) -> Location | None:
    """In which order the entries of all caches are, in a new process and later, whatever is asked.

    `None` where that is right, or where it is not all that is wrong.
    """
    names = (*CONTRACTS[function].cache, "parameters")
    usual = Order(range(len(names)))
    anew()
    order = usual
    for inputs in _asked(function, counterexample, limits):
        right, shown = specification(function, limits)(inputs), program(inputs)
        order = _order(function, inputs, shown, right) if order == usual else order
        if order == usual or not _is_so(order, function, inputs, shown, right):
            return None
    where = f"the order of a cache is not ({', '.join(names)})"
    moved = [f"{CACHED}{names[i]}" for place, i in enumerate(order) if i not in (place, len(names) - 1)]
    how = f"it is ({', '.join(names[i] for i in order)})"
    return Location(where, "always", how, equations=moved)


def _asked(function: str, counterexample: Inputs, limits: Limits) -> Iterator[Inputs]:
    """An ordinary problem first, of which no two sizes are the same."""
    every = (
        *experiments.ordinary(function),
        counterexample,
        *experiments.of_mixed_sizes(function),
        *experiments.in_precisions(function),
    )
    for inputs in every:
        yield inputs if inputs.dtype.name in limits.dtypes else experiments.cast(inputs, limits.dtypes[0])


def _caches(function: str, inputs: Inputs) -> Sequence[str]:
    """Where the cache of each step is."""
    return [".0"] if CONTRACTS[function].is_cell else [f".0.0.{t}" for t in range(inputs.x.shape[2])]


def _order(function: str, inputs: Inputs, shown: Behaviour, right: Behaviour) -> Order:
    """That of the first cache; the right one where it is no order of the right entries."""
    first, count = _caches(function, inputs)[0], len(CONTRACTS[function].cache) + 1
    ours, theirs = ([_below(f"{first}.{i}", each.caches) for i in range(count)] for each in (shown, right))
    order = tuple(next((i for i, entry in enumerate(theirs) if same(own, entry)), -1) for own in ours)
    return order if sorted(order) == [*range(count)] else Order(range(count))


def _is_so(order: Order, function: str, inputs: Inputs, shown: Behaviour, right: Behaviour) -> bool:
    """Whether nothing else is wrong than that the entries of all caches are in this order."""
    expected = dict(right.caches)
    for cache in _caches(function, inputs):
        for place, i in enumerate(order):
            for at in _below(f"{cache}.{place}", right.caches):
                del expected[f"{cache}.{place}{at}"]
            entry = _below(f"{cache}.{i}", right.caches)
            expected |= {f"{cache}.{place}{at}": leaf for at, leaf in entry.items()}
    return (
        same(shown.caches, expected)
        and same(shown.outputs, right.outputs)
        and same(shown.arguments, right.arguments)
    )


def _below(place: str, caches: Leaves) -> Leaves:
    """What is in one entry, by its place in that."""
    return {at[len(place) :]: leaf for at, leaf in caches.items() if f"{at}.".startswith(f"{place}.")}
