"""Caches one of whose entries is kept in another form, where all else is right."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import permutations

import numpy as np

from oracle.diagnosis.behaviour import Leaves, Program, specification
from oracle.inputs import Inputs
from oracle.limits import Limits
from oracle.location.caches.stored import X, cells, problems, stores
from oracle.location.location import Location
from oracle.location.where.equation import CACHED
from reference.contract import CONTRACTS, PARAMETERS, Array, Shape

Form = Callable[[Array], Array]
IN_CACHES = " in the caches"


@np.errstate(all="ignore")
def in_another_form(
    function: str, program: Program, counterexample: Inputs, anew: Callable[[], None], limits: Limits
) -> Location | None:
    """Which entry of all caches has another shape or is changed, in a new process and later, always.

    `None` where none has, or where it is not all that is wrong.
    """
    if not limits.caches:
        return None
    anew()
    likely = [*_all_that_may_be(function)]
    for inputs in problems(function, counterexample, limits):
        right, shown = specification(function, limits)(inputs), program(inputs)
        likely = [each for each in likely if stores(shown, each.of(function, inputs, right.caches), right)]
        if not likely:
            return None
    return Location(likely[0].where, "always", likely[0].how, equations=[likely[0].name])


@dataclass(frozen=True)
class Kept:
    """An entry of each cache, by its place in that, or x beside them, and the form in which it is kept.

    It may be kept in the place of another, its own being the `source`.
    """

    where: str
    name: str
    place: str
    how: str
    form: Form
    source: str = ""

    def of(self, function: str, inputs: Inputs, right: Leaves) -> Leaves:
        """The caches, by the right ones."""
        if self.place == X:
            kept = {X: right[X]}
        else:
            source = self.source or self.place
            every = cells(function, inputs)
            kept = {f"{cell}.{self.place}": right[f"{cell}.{source}"] for cell in every}
        arrays = {at: self.form(leaf) for at, leaf in kept.items() if isinstance(leaf, np.ndarray)}
        return {**right, **arrays}


def _all_that_may_be(function: str) -> Iterator[Kept]:
    """The plainest first."""
    contract = CONTRACTS[function]
    every = [(f"{CACHED}{name}", str(i), shape) for i, (name, shape) in enumerate(contract.cache.items())]
    every += [] if contract.is_cell else [("x in the caches", X, contract.arguments["x"])]
    of_parameters = [
        (f"{name}{IN_CACHES}", f"{len(contract.cache)}.{name}", shape)
        for name, shape in PARAMETERS[contract.kind].items()
    ]
    for name, place, shape in (*every, *of_parameters):
        for how, form in _forms(shape):
            yield Kept(f"the shape of {name} is not {_words(shape)}", name, place, how, form)
    for name, place, shape in of_parameters:
        where = f"{name} ≠ that which is given"
        for how, form in _changes(shape):
            yield Kept(where, name, place, how, form)
        for other, source, _ in of_parameters:
            if source != place:
                how = f"it is {other.removesuffix(IN_CACHES)}"
                yield Kept(where, name, place, how, np.asarray, source)


def _forms(shape: Shape) -> Iterator[tuple[str, Form]]:
    axes = range(len(shape))
    for order in [*permutations(axes)][1:]:
        permuted = tuple(shape[axis] for axis in order)
        if permuted == shape:
            continue
        yield f"it is {_words(permuted)}, its axes in another order", partial(np.transpose, axes=order)
        yield f"it is {_words(permuted)}, read in the same order of memory", partial(_read_as, order)
    for axis in range(len(shape) + 1):
        more = (*shape[:axis], 1, *shape[axis:])
        yield f"it is {_words(more)}, with an axis more", partial(np.expand_dims, axis=axis)
    flat = f"it is ({' '.join(map(str, shape))},), with one axis for all"
    yield flat, np.ravel
    yield f"{flat}, in Fortran's order", partial(np.ravel, order="F")


def _changes(shape: Shape) -> Iterator[tuple[str, Form]]:
    if len({*shape}) == 1:
        yield "it is transposed", np.transpose
    yield "it is 0", np.zeros_like
    yield "its sign is changed", np.negative
    for dtype in ("float32", "float16"):
        yield f"it is rounded to {dtype}", partial(_rounded, dtype)


def _rounded(dtype: str, array: Array) -> Array:
    return array.astype(dtype).astype(array.dtype)


def _read_as(order: Sequence[int], array: Array) -> Array:
    return array.reshape([array.shape[axis] for axis in order])


def _words(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
