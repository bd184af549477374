"""Caches one of whose entries has the right numbers in another shape, where all else is right."""

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
from reference.contract import CONTRACTS, Array, Shape

Form = Callable[[Array], Array]


def in_another_shape(
    function: str, program: Program, counterexample: Inputs, anew: Callable[[], None], limits: Limits
) -> Location | None:
    """Which entry of all caches has another shape, in a new process and later, whatever is asked.

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
class Reshaped:
    """An entry of each cache, by its place in that, or x beside them, and the form in which it is stored."""

    name: str
    place: str
    shape: Shape
    how: str
    form: Form

    @property
    def where(self) -> str:
        """What is not as it should be."""
        return f"the shape of {self.name} is not {_words(self.shape)}"

    def of(self, function: str, inputs: Inputs, right: Leaves) -> Leaves:
        """The caches, by the right ones."""
        places = [X] if self.place == X else [f"{cell}.{self.place}" for cell in cells(function, inputs)]
        return {
            **right,
            **{at: self.form(leaf) for at in places if isinstance(leaf := right[at], np.ndarray)},
        }


def _all_that_may_be(function: str) -> Iterator[Reshaped]:
    """The plainest first."""
    contract = CONTRACTS[function]
    every = [(f"{CACHED}{name}", str(i), shape) for i, (name, shape) in enumerate(contract.cache.items())]
    every += [] if contract.is_cell else [("x in the caches", X, contract.arguments["x"])]
    for name, place, shape in every:
        for how, form in _forms(shape):
            yield Reshaped(name, place, shape, how, form)


def _forms(shape: Shape) -> Iterator[tuple[str, Form]]:
    axes = range(len(shape))
    for order in [*permutations(axes)][1:]:
        permuted = tuple(shape[axis] for axis in order)
        yield f"it is {_words(permuted)}, its axes in another order", partial(np.transpose, axes=order)
        yield f"it is {_words(permuted)}, read in the same order of memory", partial(_read_as, order)
    for axis in range(len(shape) + 1):
        more = (*shape[:axis], 1, *shape[axis:])
        yield f"it is {_words(more)}, with an axis more", partial(np.expand_dims, axis=axis)
    flat = f"it is ({' '.join(map(str, shape))},), with one axis for all"
    yield flat, np.ravel
    yield f"{flat}, in Fortran's order", partial(np.ravel, order="F")


def _read_as(order: Sequence[int], array: Array) -> Array:
    return array.reshape([array.shape[axis] for axis in order])


def _words(shape: Shape) -> str:
    return f"({', '.join(map(str, shape))})"
