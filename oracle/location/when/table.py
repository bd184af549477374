"""The elements of answers as a table: what is known of each, and whether it is wrong."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from oracle.location.when.columns import Columns
from reference.contract import Array

SUM, PRODUCT = "n_a + n_x", "n_a m"
"""How long what a gate is applied to is, and how many numbers a state has."""
SMALLER = "the smaller of n_a and m"
"""1 where a state is a vector, or one number."""
SIZES = ("n_x", "n_a", "n_y", "m", "T_x", SUM, PRODUCT)
PLACES = ("unit", "class", "feature", "sample", "step")
SIZE_OF: Mapping[str, str] = {"unit": "n_a", "class": "n_y", "feature": "n_x", "sample": "m", "step": "T_x"}
"""How many places there are."""
FROM_END = " from the end"
FROM_HALF = " from the middle"
FROM_FAR = " from the farther end"
SO_FAR, FROM_HERE = " so far", " from here on"
ALIKE = "an earlier sample of the same x"
"""1 where there is one, else 0."""
AGAIN = "an earlier step of the same xt of all samples"
"""1 where there is one, else 0."""
BINARY, ONE_HOT = "zeros and ones in xt of all samples", "one 1 and zeros in xt of each sample"
ONE_NUMBER = "one number and zeros in xt of each sample"
LOOKED_UP = (BINARY, ONE_HOT, ONE_NUMBER)
"""1 where there is nothing else, else 0: such an input some look up."""
LARGER = "classes of a larger logit"
"""How many there are in the sample."""
ITSELF = "the right "
"""What a value is called that is compared with others, and with no number: its argument is."""


class _Joined(Mapping[str, Array]):
    """What several tables know of their elements, put together when it is asked for."""

    def __init__(self, parts: Sequence[Mapping[str, Array]]) -> None:
        self._parts = parts
        self._names = {name: None for name in parts[0] if all(name in part for part in parts)}

    def __getitem__(self, name: str) -> Array:
        if name not in self._names:
            raise KeyError(name)
        return np.concatenate([part[name] for part in self._parts])

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Table:
    """Elements that were seen: what is known of each by name, and whether it is wrong.

    Some are `mute`: right, but so would be much that is wrong, as where a gate is saturated. Each stands for
    as many as its `weight` says.
    """

    features: Mapping[str, Array]
    wrong: Array
    mute: Array
    weight: Array

    def where(self, chosen: Array | slice) -> "Table":
        """A copy of some of the elements."""
        features = {name: values[chosen] for name, values in self.features.items()}
        return Table(features, self.wrong[chosen], self.mute[chosen], self.weight[chosen])

    def plain(self) -> "Table":
        """With places, sizes and the precision alone."""
        return self.with_those([name for name in self.features if is_plain(name)])

    def with_those(self, names: Collection[str]) -> "Table":
        """With some features alone, as far as there are such."""
        return replace(self, features={name: self.features[name] for name in names if name in self.features})

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """All elements of several tables, with what all of these know of them, of which no copy is kept."""
        if len(tables) == 1:
            return tables[0]
        wrong, mute, weight = (
            np.concatenate([getattr(table, part) for table in tables]) for part in ("wrong", "mute", "weight")
        )
        return cls(_Joined([table.features for table in tables]), wrong, mute, weight)

    @classmethod
    def packed(cls, tables: Sequence["Table"]) -> "Table":
        """The same, of tables of single answers, whose elements have much in common that is kept once."""
        columns = [table.features for table in tables if isinstance(table.features, Columns)]
        return replace(cls.joined(tables), features=Columns.joined(columns))

    @property
    def purity(self) -> float:
        """Which part of the elements is wrong."""
        return part_of(self.weight, self.wrong, ~self.mute)


def part_of(weight: Array, some: Array, every: Array) -> float:
    """How many some are, of all of them."""
    return float(weight[some].sum() / max(weight[every].sum(), 1))


def is_place(name: str) -> bool:
    """Whether a feature says where in an array an element is."""
    return kind_of(name) in PLACES


def kind_of(place: str) -> str:
    """What it is a place among, from wherever it is counted."""
    return place.removesuffix(FROM_END).removesuffix(FROM_HALF).removesuffix(FROM_FAR)


def is_of_time(name: str) -> bool:
    """Whether a feature says which step it is, how many there are, or what was in others."""
    of_others = "step before" in name or name.endswith((SO_FAR, FROM_HERE))
    return kind_of(name) == "step" or name == "T_x" or of_others


def is_row(name: str) -> bool:
    """Whether it is a place among units, classes or features."""
    return is_place(name) and kind_of(name) not in ("sample", "step")


def is_plain(feature: str) -> bool:
    """Whether a feature is a place, a size or the precision."""
    return is_place(feature) or feature in (*SIZES, "bits")
