"""A condition that elements meet or not."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from oracle.location.when import borders
from oracle.location.when.moved import is_of_moves, is_of_state
from oracle.location.when.table import (
    FROM_FAR,
    FROM_HALF,
    LARGER,
    PRODUCT,
    SIZES,
    Table,
    is_place,
    is_plain,
    kind_of,
)
from reference.contract import Array

BLOCKS = (4, 8, 16, 32, 64)
"""Of which whole ones of a size may be right; of places so may all of the above."""

WIDEST = 64
"""Bits of the precision in which most is asked."""

_PRODUCTS = [f"W{gate} {part}" for gate in "fico" for part in ("[a_prev; 0]", "[0; xt]")]
ZEROS = ("c_prev", "a_prev", "Waa a_prev", "Wax xt", *_PRODUCTS)
"""Terms that may be zero by a choice of states and inputs."""


POWER, NO_POWER = "is a power of", "is no power of"
"""Relations of a size to two."""

VAGUE = 0.01
"""How far apart, relatively, the nearest values on both sides of a threshold may be."""


@dataclass(frozen=True)
class Condition:
    """A comparison of a feature with a number, or with another: of sizes, of values, of a place with a size.

    `beyond` is the nearest value on the other side that was seen, of a threshold; `excess` how many mute
    elements meet it, over the wrong ones.
    """

    feature: str
    relation: str
    value: float = 0.0
    other: str = ""
    beyond: float = math.nan
    excess: float = field(default=0.0, compare=False)

    def met_by(self, table: Table) -> Array:
        """Which elements meet it."""
        values = table.features[self.feature]
        if self.other and self.relation in (">", "<", "≥"):
            others = borders.value(self.other, table.features)
            compare = {">": np.greater, "<": np.less, "≥": np.greater_equal}
            return np.asarray(compare[self.relation](values, others))
        if self.other:
            same = values == table.features[self.other]
            return np.asarray(same if self.relation == "=" else ~same)
        if self.relation.startswith("mod"):
            k, relation = int(self.relation.split()[1]), self.relation.split()[2]
            same = values % k == self.value
            return np.asarray(same if relation == "=" else ~same)
        if self.is_of_powers:
            return np.asarray((np.frexp(values)[0] == 0.5) == (self.relation == POWER))
        compare = {"≥": np.greater_equal, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal}
        return np.asarray(compare[self.relation](values, self.value))

    @property
    def looks_at(self) -> set[str]:
        """The features that it may compare."""
        return {self.feature, self.other, borders.size_of(self.other)} - {""}

    def is_told_by(self, table: Table) -> bool:
        """Whether a table has what it compares."""
        return {self.feature, *filter(None, [borders.size_of(self.other)])} <= {*table.features}

    def repeats(self, other: "Condition") -> bool:
        """Whether it says the same kind of thing of the same feature."""
        return self.feature == other.feature and self.relation[:3] == other.relation[:3]

    def is_in(self, other: "Condition") -> bool:
        """Whether it counts from elsewhere the one place that another says: that is how many there are."""
        is_one = other.relation == "=" or (other.relation, other.value) == ("≤", 0)
        return (
            is_one
            and is_place(other.feature)
            and is_place(self.feature)
            and kind_of(self.feature) == kind_of(other.feature)
        )

    def begins(self, place: str) -> bool:
        """Whether it says from where on a place is meant."""
        return self.feature == place and self.relation == "≥"

    @property
    def is_of_powers(self) -> bool:
        """Whether it is that a size is a power of two, or none."""
        return self.relation in (POWER, NO_POWER)

    @property
    def is_a_threshold(self) -> bool:
        """Whether its value may be found better by asking more."""
        return self.relation in ("≥", "≤") and not (self.other or is_place(self.feature))

    @property
    def leaves_out_several(self) -> bool:
        """Whether it leaves out more than the first of sizes or places, below a limit."""
        first = 1 if self.feature in SIZES else 0
        return self.is_plain and self.relation == "≥" and not self.other and self.value > first + 1

    @property
    def size(self) -> int:
        """A size that meets it, if it is of one; else 0."""
        if self.relation == NO_POWER:
            return 3
        if self.feature not in SIZES or " " in self.feature or self.other or "≠" in self.relation:
            return 0
        k = int(self.relation.split()[1]) if self.relation.startswith("mod") else 0
        return int(self.value) + k

    @property
    def is_vague(self) -> bool:
        """Whether it is a threshold between values that are far apart."""
        is_counted = self.feature in (*SIZES, LARGER)
        apart = 1 if is_counted else VAGUE * abs(self.value)
        return self.is_a_threshold and abs(self.value - self.beyond) > apart

    @property
    def is_plain(self) -> bool:
        """Whether it is of sizes, places or the precision alone."""
        return is_plain(self.feature)

    @property
    def is_exception(self) -> bool:
        """Whether it leaves out small sizes, whole blocks, one not above another, an end, zeros."""
        if self.other:
            return self.compares_sizes or (self.relation == "≠" and " " not in self.feature + self.other)
        if self.feature == "bits":
            return self.relation == "=" and self.value == WIDEST
        if is_place(self.feature):
            return self.relation == "≥" and not self.feature.endswith((FROM_HALF, FROM_FAR))
        if self.feature in SIZES:
            is_whole = not self.value and self.relation in {f"mod {k} ≠" for k in BLOCKS}
            of_one = " " not in self.feature
            return (self.relation == "≥" and of_one) or is_whole or self.relation == NO_POWER
        return self.relation == "≠" and self.value == 0 and self.feature in ZEROS

    @property
    def is_of_fours(self) -> bool:
        """Whether it leaves out whole blocks of four."""
        return self.relation == "mod 4 ≠"

    @property
    def compares_sizes(self) -> bool:
        """Whether it is that one size is above another."""
        return self.other in SIZES and self.relation in (">", "<")

    @property
    def form(self) -> tuple[str, str, str]:
        """What it compares, whatever the number."""
        return self.feature, self.relation, self.other

    def loosened(self) -> "Condition":
        """With the threshold where the nearest right value is: what it does not say is wrong there."""
        if math.isnan(self.beyond):
            return self
        return replace(self, value=float(np.nextafter(self.beyond, self.value)))

    @property
    def cost(self) -> float:
        """How far-fetched it is: a position before a size, a threshold before a residue, a near one first.

        What hangs on the largest number hangs on a norm nearly as well.
        """
        if self.feature.endswith(FROM_FAR):  # as far-fetched as that a size hangs on another
            return 4 + self.excess
        kind = 0 if is_place(self.feature) else 1 if self.feature in (*SIZES, "bits") else 2
        how = 0.0 if self.relation in ("=", "≥", "≤") and not self.other else 3.0
        how += self.feature == PRODUCT
        how += 0.3 * self.feature.startswith(("the norm", "the sum"))
        how += 3 * (is_of_state(self.feature) and self.relation == "=")  # which is mostly what comes of it
        how += is_of_moves(self.feature) and self.relation == "≥"  # who leaves steps out does so for little
        if kind < 2 or math.isnan(self.beyond):
            return kind + how + self.excess
        vague = abs(self.value - self.beyond) / max(abs(self.value), abs(self.beyond))
        return kind + how + self.excess + min(vague, 1.0) / 2
