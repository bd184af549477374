"""What may replace a quantity of a step, and under which conditions.

The same functions evaluate a replacement in all steps of an answer at once, and in one step of the `Fault` of
a `Location`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np

from oracle.explanations.steps import Place, columns
from oracle.faults.catalogue.arrays import ROUNDING, bfloat16
from oracle.network.equations import GATES
from reference.arrays import sigmoid
from reference.contract import Array

Relation = Literal["=", "≠", "≥", "≤", ">", "<"]
Function = Callable[[Array, float], Array]
Map = Callable[[Place, str, int], Array]
"""Moves the entries of a quantity, by a parameter. Raises `KeyError` or `ValueError` if it cannot."""


def _rounded(rounded: Callable[[Array], Array], v: Array, _: float) -> Array:
    return rounded(v)


FUNCTIONS: Mapping[str, Function] = {
    "zero": lambda v, _: np.zeros_like(v),
    "one": lambda v, _: np.ones_like(v),
    "one minus": lambda v, _: 1 - v,
    "tanh": lambda v, _: np.tanh(v),
    "sigmoid": lambda v, _: sigmoid(v),
    "relu": lambda v, _: np.maximum(v, 0),
    "sign": lambda v, _: np.sign(v),
    "bfloat16, cut": lambda v, _: bfloat16(v, np.trunc),
    **{name: partial(_rounded, rounded) for name, rounded in ROUNDING.items()},
    "(tanh(z) + 1) / 2": lambda z, _: (np.tanh(z) + 1) / 2,
    "1.7159 tanh(2 z / 3)": lambda z, _: 1.7159 * np.tanh(2 * z / 3),
    "0.2 z + 0.5 in [0, 1]": lambda z, _: np.clip(0.2 * z + 0.5, 0, 1),
    "z (27 + z^2) / (27 + 9 z^2) in [-1, 1]": lambda z, _: np.clip(
        z * (27 + z * z) / (27 + 9 * z * z), -1, 1
    ),
    "constant": lambda v, k: np.full_like(v, k),
    "clipped": lambda v, k: np.clip(v, -k, k),
    "at most": np.minimum,
    "at least": np.maximum,
    "clipped to [k, 1 - k]": lambda v, k: np.clip(v, k, 1 - k),
    "times": lambda v, k: v * k,
    "plus": lambda v, k: v + k,
}
"""The functions of a value, and of a number that a program has."""

COMBINATIONS: Mapping[str, Callable[[Array, Array, float], Array]] = {
    "added": lambda v, source, k: v + k * source,
    "mixed": lambda v, source, k: v + k * (source - v),
    "multiplied": lambda v, source, _: v * source,
}
"""The functions of the right value, of another quantity, and of a number: a peephole, a leak, a mask."""

NUMBERS: Mapping[str, Callable[[Array, Array, Array], Array]] = {
    "added": lambda wanted, v, source: (wanted - v) / source,
    "mixed": lambda wanted, v, source: (wanted - v) / (source - v),
}
"""The number with which a function of `COMBINATIONS` gives the wanted value."""

BLOCK_SIZES = (4, 8, 16, 32, 2, 3)
AFTER_THE_END = 2**31 - 1
"""A step after the end of every sequence, where a map takes the last step."""


def _without_last_rows(place: Place, name: str, by: int) -> Array:
    """A quantity with 0 in the rows after the last whole block of `by` rows."""
    v = place.look(name)
    rows = np.arange(len(v))[:, None]
    return np.where(rows < len(v) - len(v) % by, v, 0)


def _by_samples(change: Callable[[Array], Array], place: Place, name: str, by: int) -> Array:
    """A change of a quantity `(n, m, steps)`."""
    values = change(place.look(name).reshape(-1, place.sizes["m"], len(place.steps)))
    return values.reshape(len(values), -1)


def _by_steps(
    other: Callable[[Array, int], Array], place: Place, name: str, by: int, *, later: bool = False
) -> Array:
    """A quantity at `other` steps: 0 before the first step, and the last step after the end.

    At `later` steps, only xt is known.
    """
    if later and name != "xt":
        raise KeyError(name)
    values, steps = place.over_time(name), other(np.asarray(place.steps), by)
    taken = values[:, :, np.clip(steps, 0, values.shape[2] - 1)]
    return columns(np.where(steps < 0, 0, taken))


OVER_TIME: Mapping[str, tuple[Map, Sequence[int]]] = {
    "step back": (partial(_by_steps, lambda t, by: t - by), (1, 2)),
    "step back, at least the first": (partial(_by_steps, lambda t, by: np.maximum(t - by, 0)), (1, 2)),
    "step ahead": (partial(_by_steps, lambda t, by: t + by, later=True), (1,)),
    "first step": (partial(_by_steps, lambda t, _: np.zeros_like(t)), (0,)),
    "last step": (partial(_by_steps, lambda t, _: np.full_like(t, AFTER_THE_END), later=True), (0,)),
}
"""The maps from other steps, which parameters do not have."""

MAPS: Mapping[str, tuple[Map, Sequence[int]]] = {
    "transposed": (lambda place, name, by: place.look(name).T, (0,)),
    "unit back": (lambda place, name, by: np.roll(place.look(name), by, axis=0), (1,)),
    "along the samples": (lambda place, name, by: place.look(name).T.repeat(len(place.steps), axis=1), (0,)),
    "without the rows that blocks leave": (_without_last_rows, BLOCK_SIZES),
    "first sample": (partial(_by_samples, lambda v: v[:, :1].repeat(v.shape[1], axis=1)), (0,)),
    "samples and rows exchanged": (partial(_by_samples, lambda v: v.swapaxes(0, 1)), (0,)),
    **OVER_TIME,
}
"""The maps by name, each with the parameters to try."""


@dataclass(frozen=True)
class Replacement:
    """What replaces a quantity: `function(map(source))`; without a `source`, the quantity is the source.

    `by` is the parameter of the map, and `number` that of the function. A function of `COMBINATIONS` also
    takes the quantity itself.
    """

    node: str
    source: str = ""
    map: str = ""
    by: int = 0
    function: str = ""
    number: float = 0.0

    def value(self, place: Place) -> Array:
        """The value that replaces the quantity. Raises `KeyError` or `ValueError` if there is none."""
        source = self.source or self.node
        value = MAPS[self.map][0](place, source, self.by) if self.map else place.look(source)
        if combine := COMBINATIONS.get(self.function):
            return combine(place.look(self.node), value, self.number)
        return FUNCTIONS[self.function](value, self.number) if self.function else value

    def result(self, place: Place, target: str) -> Array | None:
        """The value of `target` after the replacement; `None` if the replacement does not apply."""
        try:
            with np.errstate(all="ignore"):
                result = place.changed(target, {self.node: self.value(place)})
            return result if result.shape == place.look(target).shape else None
        except (KeyError, ValueError):  # a quantity is not known here, or the shapes do not fit
            return None


@dataclass(frozen=True)
class Condition:
    """A comparison of a feature of an element with a number.

    The `kind` says which feature it is: a `size`; whether two sizes are `equal`; the `bits` of the dtype; the
    `index` along an axis, or `from end`; the `residue` of the step modulo `by`; whether an index is in
    the incomplete `last block` that is left of blocks of `by`; the `value` or `magnitude` of
    a quantity; the `largest` magnitude in the sample.
    """

    kind: str
    name: str
    relation: Relation
    number: float
    by: int = 0

    def holds(self, place: Place, target: str) -> Array:
        """Whether each element of `target` meets the condition; an array that broadcasts to it."""
        return RELATIONS[self.relation](feature(place, target, self.kind, self.name, self.by), self.number)


RELATIONS: Mapping[str, Callable[[Any, float], Array]] = {
    "=": np.equal, "≠": np.not_equal, "≥": np.greater_equal, "≤": np.less_equal,
    ">": np.greater, "<": np.less,
}  # fmt: skip


def feature(place: Place, target: str, kind: str, name: str, by: int = 0) -> Array:
    """A feature of each element of `target`, as an array that broadcasts to it."""
    sizes = place.sizes
    match kind:
        case "size":
            return np.asarray([[float(sizes[name])]])
        case "equal":
            one, other = name.split(" = ")
            return np.asarray([[float(sizes[one] == sizes[other])]])
        case "bits":
            return np.asarray([[float(place.bits)]])
        case "index":
            return place.along(name, target)[0]
        case "from end":
            return sizes["T_x"] - 1 - place.step
        case "residue":
            return np.asarray(place.step % by)
        case "last block":
            index, extent = place.along(name, target)
            return np.asarray(index >= extent - extent % by, float)
    with np.errstate(invalid="ignore"):  # some releases of NumPy warn if the largest of several is NaN
        value = place.look(name)
        if kind == "value":
            return value
        return np.abs(value) if kind == "magnitude" else np.abs(value).max(axis=0, keepdims=True, initial=0)


def for_gate(replacement: Replacement, one: str, other: str) -> Replacement:
    """The replacement for the gate `other` that corresponds to a replacement for the gate `one`."""
    letters = {quantity: letter for letter, quantity in GATES.items()}
    if not {one, other} <= letters.keys():
        return replacement
    old, new = letters[one], letters[other]

    def renamed(name: str) -> str:
        if name == one:
            return other
        return name[0] + new + name[2:] if name[:2] in (f"z{old}", f"W{old}", f"b{old}") else name

    return replace(replacement, node=renamed(replacement.node), source=renamed(replacement.source))
