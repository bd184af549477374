"""Conditions that all wrong elements meet, and some right ones do not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from oracle.location.when import borders
from oracle.location.when.moved import is_of_state
from oracle.location.when.table import (
    FROM_END,
    FROM_FAR,
    FROM_HALF,
    ITSELF,
    LARGER,
    PLACES,
    PRODUCT,
    SIZE_OF,
    SIZES,
    Table,
    is_place,
    is_plain,
    part_of,
)
from reference.contract import Array

RESIDUES = (3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)
"""Of which one may be right alone."""

BLOCKS = (4, 8, 16, 32, 64)
"""Of which whole ones of a size may be right; of places so may all of the above."""


WIDEST = 64
"""Bits of the precision in which most is asked."""

COMPARED = (
    "1 - ft",
    "1 - it",
    "1 - ot",
    "ft",
    "it",
    "a_prev",
    "c_prev",
    "|c_prev|",
    "|ft * c_prev|",
    "|it * cct|",
)
"""Values that one may be compared with another of."""

_PRODUCTS = [f"W{gate} {part}" for gate in "fico" for part in ("[a_prev; 0]", "[0; xt]")]
ZEROS = ("c_prev", "a_prev", "Waa a_prev", "Wax xt", *_PRODUCTS)
"""Terms that may be zero by a choice of states and inputs."""


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
        compare = {"≥": np.greater_equal, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal}
        return np.asarray(compare[self.relation](values, self.value))

    def is_told_by(self, table: Table) -> bool:
        """Whether a table has what it compares."""
        return {self.feature, *filter(None, [borders.size_of(self.other)])} <= {*table.features}

    def repeats(self, other: "Condition") -> bool:
        """Whether it says the same kind of thing of the same feature."""
        return self.feature == other.feature and self.relation[:3] == other.relation[:3]

    def begins(self, place: str) -> bool:
        """Whether it says from where on a place is meant."""
        return self.feature == place and self.relation == "≥"

    @property
    def is_a_threshold(self) -> bool:
        """Whether its value may be found better by asking more."""
        return self.relation in ("≥", "≤") and not (self.other or is_place(self.feature))

    @property
    def size(self) -> int:
        """A size that meets it, if it is of one; else 0."""
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
            return (self.relation == "≥" and " " not in self.feature) or is_whole
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
        if kind < 2 or math.isnan(self.beyond):
            return kind + how + self.excess
        vague = abs(self.value - self.beyond) / max(abs(self.value), abs(self.beyond))
        return kind + how + self.excess + min(vague, 1.0) / 2


NEAR_TO_ZERO = 0.01
"""What holds from a number below this on, away from 0, holds from 0 on, but by too little to be seen."""


TOO_LITTLE = 1e-6
"""Up to where all that is right on the side of what is wrong may be so because nothing is seen of it."""


def met_by_all_wrong(table: Table) -> Iterator[tuple[Condition, float]]:
    """Conditions that all wrong elements meet and some right one does not, each with its purity."""
    wrong = table.wrong
    for condition in _candidates(table):
        met = condition.met_by(table)
        if not met.all() and met[wrong].all():
            excess = min(part_of(table.weight, met & table.mute, wrong), 1.0)
            if condition.is_a_threshold and not condition.is_plain:
                excess += 4 * bluntness(condition, table, met & ~table.mute)
            yield (
                replace(condition, excess=excess),
                part_of(table.weight, wrong, met & ~table.mute),
            )


NEAREST = 40
"""Elements nearest to a threshold that are looked at."""


def bluntness(condition: Condition, table: Table, inside: Array) -> float:
    """Which part of the elements that are just beyond a threshold is right."""
    distance = np.abs(table.features[condition.feature][inside] - condition.value)
    nearest = np.argpartition(distance, NEAREST)[:NEAREST] if len(distance) > NEAREST else slice(None)
    return float((~table.wrong[inside][nearest]).mean())


def _candidates(table: Table) -> Iterator[Condition]:
    for name, values in table.features.items():
        ours, theirs = values[table.wrong], values[~table.wrong]
        least, most = ours.min(), ours.max()
        if not (np.isfinite(least) and np.isfinite(most)):
            continue
        if name.startswith((ITSELF, "1 - ", "|1 - ")):  # which is said of the value or the gate
            continue
        if name.endswith(FROM_HALF):
            if (theirs < 0).any() and least == 0:
                yield Condition(name, "≥", 0.0, beyond=-1.0)
            elif (theirs >= 0).any() and most < 0:
                yield Condition(name, "≤", -1.0, beyond=0.0)
            continue
        if name.endswith(FROM_FAR):
            if (below := theirs[theirs < least]).size:
                yield Condition(name, "≥", float(least), beyond=float(below.max()))
            continue
        stands = most == 0 and is_of_state(name)  # which is how a step is left out, not why
        if least == most and not stands:
            yield Condition(name, "=", float(least))
        below, above = theirs[theirs < least], theirs[theirs > most]
        is_a_value = not is_plain(name)
        if is_a_value and _is_one_sided(name, table):
            continue
        is_not_zero = below.size and below.max() == values.min() == 0  # which is said of itself
        if is_a_value and below.size and 0 < below.max() < NEAR_TO_ZERO:
            below = below[below < 0] if below.max() < TOO_LITTLE else below[:0]
        if is_a_value and above.size and -NEAR_TO_ZERO < above.min() < 0:
            above = above[above > 0] if above[above < 0].min() > -TOO_LITTLE else above[:0]
        if below.size and not (is_a_value and is_not_zero):
            yield Condition(name, "≥", float(least), beyond=float(below.max()))
        if above.size and not stands:
            yield Condition(name, "≤", float(most), beyond=float(above.min()))
        if is_a_value and (theirs == 0).any() and not (ours == 0).any():
            yield Condition(name, "≠", 0.0)
        elif not is_a_value and theirs.size and not np.isin(theirs[0], ours) and (theirs == theirs[0]).all():
            yield Condition(name, "≠", float(theirs[0]))
        if (name in SIZES and name != PRODUCT) or name in (*PLACES, f"step{FROM_END}"):
            yield from _residues(name, ours, theirs)
    sizes = [*combinations((name for name in SIZES if name in table.features and name != PRODUCT), 2)]
    for one, other in sizes:
        yield Condition(one, "=", other=other)
        yield Condition(one, "≠", other=other)
    for place in (name for name in PLACES if name in table.features):
        for size in (name for name in SIZES if name in table.features and " " not in name):
            if (table.features[place] >= table.features[size])[table.wrong].all():
                yield Condition(place, "≥", other=size)
    yield from _by_borders(table)
    compared = (name for name in table.features if name in COMPARED or name.startswith(ITSELF))
    single = [pair for pair in sizes if not any(" " in name for name in pair)]
    for one, other in [*single, *combinations(compared, 2)]:
        ours, theirs = table.features[one][table.wrong], table.features[other][table.wrong]
        if (ours > theirs).all():
            yield Condition(one, ">", other=other)
        elif (ours < theirs).all():
            yield Condition(one, "<", other=other)


def _by_borders(table: Table) -> Iterator[Condition]:
    for place in (name for name in PLACES if name in table.features):
        for border in borders.borders(SIZE_OF[place]):
            beyond = (table.features[place] >= borders.value(border, table.features))[table.wrong]
            if beyond.all() or not beyond.any():
                yield Condition(place, "≥" if beyond.all() else "<", other=border)


def _is_one_sided(name: str, table: Table) -> bool:
    """Whether it is a magnitude, and all wrong elements are of one sign: then that is part of the matter."""
    signed = table.features.get(name.strip("|")) if name.startswith("|") else None
    if signed is None:
        return False
    ours = signed[table.wrong]
    return bool((ours > 0).all() or (ours < 0).all()) and bool((signed < 0).any() and (signed > 0).any())


def _residues(name: str, values: Array, theirs: Array) -> Iterator[Condition]:
    k = int(np.gcd.reduce((values - values[0]).astype(int)))
    if k > 1:
        yield Condition(name, f"mod {k} =", float(values[0] % k))
    for k in RESIDUES:
        found = np.unique(values % k)
        if len(found) == k - 1 > 1:
            yield Condition(name, f"mod {k} ≠", float((set(range(k)) - set(found.tolist())).pop()))
        elif (
            (k in BLOCKS or name in PLACES) and 0 not in found and len(np.unique(theirs[theirs % k == 0])) > 2
        ):
            yield Condition(name, f"mod {k} ≠", 0.0)
