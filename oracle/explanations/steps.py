"""All steps of an answer, each judged on the state that the program gave for the step before.

The program shows its states, its predictions and, in caches, its gates. A result is wrong if it does not
follow from the results that the program shows before it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from oracle.explanations.behaviour import Behaviour, same_leaf
from oracle.explanations.quantities import Quantities, quantities_of
from oracle.network.equations import GATES
from oracle.problems.inputs import Inputs
from reference.contract import Array

RESULTS = (*GATES.values(), "c_next", "a_next", "a_out", "yt_pred")
"""The results of a step, in the order in which they are computed; `a_out` is projected."""

WRONG = 4
"""A result is wrong if it is this many times farther from the right value than rounding may put it.

More than 1, because the right value is itself computed with rounding from the results before it.
"""
PREDICTED, PREDICTED_ULPS = 8, 256
"""The factors of the rounding error and of the unit roundoff within which a claim must predict a result.

A mistake may change the number and the order of the operations, so that its rounding error is larger than
that of the right equation. Both are far below the errors that locations explain.
"""


@dataclass(frozen=True)
class Place:
    """The quantities of some `steps` of a call, each array `(n, m len(steps))` with the samples first.

    `known` has the arguments of these steps and the parameters. `sizes` are those of the call, and `bits` the
    width of its dtype. `over_time(name)` has a quantity at all steps up to the last of `steps`, `(n, m, …)`.
    """

    quantities: Quantities
    known: Mapping[str, Array]
    sizes: Mapping[str, int]
    bits: int
    steps: Sequence[int]
    over_time: Callable[[str], Array]

    @np.errstate(all="ignore")
    def look(self, name: str) -> Array:
        """The value of a quantity."""
        return self.quantities.value(name, self.known)

    @np.errstate(all="ignore")
    def changed(self, target: str, changes: Mapping[str, Array]) -> Array:
        """The value of `target` after other quantities are changed."""
        if target in changes:
            return changes[target]
        known = {name: array for name, array in self.known.items() if name != target}
        return self.quantities.value(target, {**known, **changes})

    @classmethod
    def of_sizes(cls, sizes: Mapping[str, int], dtype: np.dtype[Any]) -> "Place":
        """A place without steps: whole problems of these sizes."""
        no_steps = np.zeros((0, 0, 0))
        return cls(quantities_of("rnn"), {}, sizes, 8 * dtype.itemsize, (), lambda name: no_steps)

    @property
    def step(self) -> Array:
        """The number of the step in each column."""
        return np.tile(self.steps, self.sizes["m"])[None]

    def along(self, axis: str, target: str) -> tuple[Array, int]:
        """The index of each element of `target` along an axis (unit, sample, step), and its length."""
        if axis == "unit":
            rows = len(self.look(target))
            return np.arange(rows)[:, None], rows
        if axis == "step":
            return self.step, self.sizes["T_x"]
        return np.repeat(np.arange(self.sizes["m"]), len(self.steps))[None], self.sizes["m"]


@dataclass(frozen=True)
class Steps:
    """All steps of one answer. For each result that the program shows: its values, and the right values.

    A right value is computed from the results that are shown before it. `allowed` is the largest rounding
    error. `cached` has what the caches hold. All arrays are `(n, m T_x)`.
    """

    inputs: Inputs
    answer: Behaviour
    place: Place
    shown: Mapping[str, Array]
    allowed: Mapping[str, Array]
    cached: Mapping[str, Array] = field(default_factory=dict)

    @cached_property
    def right(self) -> Mapping[str, Array]:
        """The right value of each shown result."""
        return {name: self.place_of(name).look(name) for name in self.shown}

    def place_of(self, target: str) -> Place:
        """The quantities that are known when `target` is computed: the results shown before it are known."""
        before = RESULTS[: RESULTS.index(target)]
        shown = {name: array for name, array in self.shown.items() if name in before}
        return replace(self.place, known={**self.place.known, **shown})

    def wrong(self, target: str) -> Array:
        """Whether each element of a result is wrong. Infinite and NaN values are left out."""
        right, allowed = self.right[target], self.allowed[target]
        with np.errstate(all="ignore"):
            decided = np.isfinite(right) & np.isfinite(allowed)
            return np.asarray(decided & ~(np.abs(self.shown[target] - right) <= WRONG * allowed))

    def is_wrong(self, target: str) -> bool:
        """Whether any element of a result is wrong; false for results that are not shown."""
        return target in self.shown and bool(self.wrong(target).any())

    def tolerance(self, target: str) -> Array:
        """How far a shown value may be from the value that a claim predicts."""
        u = np.finfo(self.inputs.dtype).eps / 2
        with np.errstate(all="ignore"):
            return np.asarray(
                PREDICTED * self.allowed[target] + PREDICTED_ULPS * u * np.abs(self.shown[target])
            )

    def wrong_arguments(self, target: str) -> list[str]:
        """The cached arguments that are wrong, if `target` follows from what is cached."""
        arguments = {name: array for name, array in self.cached.items() if name in self.place.known}
        if not self._follows(self.shown[target], target, arguments).all():
            return []
        return [name for name, array in arguments.items() if not same_leaf(array, self.place.known[name])]

    def without(self, *names: str) -> "Steps":
        """The same steps, of which the program does not show these results."""
        return replace(self, shown={name: array for name, array in self.shown.items() if name not in names})

    def is_returned_alone(self, target: str) -> bool:
        """Whether a later result follows from the right value of `target`, and not from the shown one."""
        later = RESULTS[RESULTS.index(target) + 1 :]
        return any(self.is_wrong(name) and not self.without(target).is_wrong(name) for name in later)

    def holds_in_cache(self, target: str) -> bool:
        """Whether the cached `target` follows from what is cached where the returned one is wrong."""
        after, wrong = RESULTS[RESULTS.index(target) :], self.wrong(target)
        before = {name: array for name, array in self.cached.items() if name not in after}
        return target in self.cached and bool(self._follows(self.cached[target], target, before)[wrong].all())

    def _follows(self, value: Array, target: str, given: Mapping[str, Array]) -> Any:
        """For each element of a value, whether the equation of `target` gives it for other quantities."""
        place, shown = self.place_of(target), {**self.shown, target: value}
        with np.errstate(all="ignore"):
            again = replace(place, known={**place.known, **given}).look(target)
            near = np.abs(again - value) <= replace(self, shown=shown).tolerance(target)
        return near | (np.isnan(again) & np.isnan(value))

    @property
    def first_wrong(self) -> str:
        """The first wrong result; empty if all are right."""
        return next(filter(self.is_wrong, RESULTS), "")


def columns(array: Array) -> Array:
    """An array `(n, m, T)` as `(n, m T)`."""
    return array.reshape(len(array), prod(array.shape[1:]))
