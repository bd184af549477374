"""Conditions that all wrong elements meet, and some right ones do not."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from oracle.location.table import FROM_HALF, PLACES, SIZES, Table, is_place, part_of
from reference.contract import Array

RESIDUES = (2, 3, 4, 5, 6, 7, 8, 10, 16, 32, 64)


@dataclass(frozen=True)
class Condition:
    """A comparison of a feature with a number, or of two sizes.

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
        if self.other:
            same = values == table.features[self.other]
            return np.asarray(same if self.relation == "=" else ~same)
        if self.relation.startswith("mod"):
            k, relation = int(self.relation.split()[1]), self.relation.split()[2]
            same = values % k == self.value
            return np.asarray(same if relation == "=" else ~same)
        compare = {"≥": np.greater_equal, "≤": np.less_equal, "=": np.equal, "≠": np.not_equal}
        return np.asarray(compare[self.relation](values, self.value))

    def repeats(self, other: "Condition") -> bool:
        """Whether it says the same kind of thing of the same feature."""
        return self.feature == other.feature and self.relation[:3] == other.relation[:3]

    @property
    def is_a_threshold(self) -> bool:
        """Whether its value may be found better by asking more."""
        return self.relation in ("≥", "≤") and not is_place(self.feature)

    @property
    def cost(self) -> float:
        """How far-fetched it is: a position before a size, a threshold before a residue, a near one first."""
        kind = 0 if is_place(self.feature) else 1 if self.feature in (*SIZES, "bits") else 2
        how = 0 if self.relation in ("=", "≥", "≤") and not self.other else 3
        if kind < 2 or math.isnan(self.beyond):
            return kind + how + self.excess
        vague = abs(self.value - self.beyond) / max(abs(self.value), abs(self.beyond))
        return kind + how + self.excess + min(vague, 1.0)


NEAR_TO_ZERO = 0.01
"""What holds from a number below this on, away from 0, holds below it too, but by too little to be seen."""


def met_by_all_wrong(table: Table) -> Iterator[tuple[Condition, float]]:
    """Conditions that all wrong elements meet and some right one does not, each with its purity."""
    wrong = table.wrong
    for condition in _candidates(table):
        met = condition.met_by(table)
        if not met.all() and met[wrong].all():
            excess = part_of(table.weight, met & table.mute, wrong)
            yield (
                replace(condition, excess=min(excess, 1.0)),
                part_of(table.weight, wrong, met & ~table.mute),
            )


def _candidates(table: Table) -> Iterator[Condition]:
    for name, values in table.features.items():
        ours, theirs = values[table.wrong], values[~table.wrong]
        least, most = ours.min(), ours.max()
        if not (np.isfinite(least) and np.isfinite(most)):
            continue
        if name.endswith(FROM_HALF):
            if (theirs < 0).any() and least == 0:
                yield Condition(name, "≥", 0.0, beyond=-1.0)
            elif (theirs >= 0).any() and most < 0:
                yield Condition(name, "≤", -1.0, beyond=0.0)
            continue
        if least == most:
            yield Condition(name, "=", float(least))
        below, above = theirs[theirs < least], theirs[theirs > most]
        is_a_value = not (name in (*SIZES, "bits") or is_place(name))
        if is_a_value and _is_one_sided(name, table):
            continue
        if below.size and not (is_a_value and 0 < below.max() < NEAR_TO_ZERO):
            yield Condition(name, "≥", float(least), beyond=float(below.max()))
        if above.size and not (is_a_value and -NEAR_TO_ZERO < above.min() < 0):
            yield Condition(name, "≤", float(most), beyond=float(above.min()))
        if theirs.size and not np.isin(theirs[0], ours) and (theirs == theirs[0]).all():
            yield Condition(name, "≠", float(theirs[0]))
        if name in SIZES or name in PLACES:
            yield from _residues(name, ours)
    for one, other in combinations((name for name in SIZES if name in table.features), 2):
        yield Condition(one, "=", other=other)
        yield Condition(one, "≠", other=other)


def _is_one_sided(name: str, table: Table) -> bool:
    """Whether it is a magnitude, and all wrong elements are of one sign: then that is part of the matter."""
    signed = table.features.get(name.strip("|")) if name.startswith("|") else None
    if signed is None:
        return False
    ours = signed[table.wrong]
    return bool((ours > 0).all() or (ours < 0).all()) and bool((signed < 0).any() and (signed > 0).any())


def _residues(name: str, values: Array) -> Iterator[Condition]:
    for k in RESIDUES:
        found = np.unique(values % k)
        if len(found) == 1:
            yield Condition(name, f"mod {k} =", float(found[0]))
        elif len(found) == k - 1:
            yield Condition(name, f"mod {k} ≠", float((set(range(k)) - set(found.tolist())).pop()))
