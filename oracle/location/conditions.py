"""When it is wrong: the simplest condition that all wrong elements meet, and the right ones do not."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np

from reference.contract import Array

SIZES = ("n_x", "n_a", "n_y", "m", "T_x", "n_a + n_x")
PLACES = ("unit", "class", "feature", "sample", "step")
FROM_END = " from the end"
FROM_HALF = " from the middle"
RESIDUES = (2, 3, 4, 5, 6, 7, 8, 10, 16, 32, 64)

HALF, PURE, SURE = 0.5, 0.9, 0.97
"""Which part of the elements that meet a rule has to be wrong: for it to be stated with that part; as
it is; and, where it has no condition, for none to be looked for.
"""


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

    def where(self, chosen: Array) -> "Table":
        """Some of the elements."""
        features = {name: values[chosen] for name, values in self.features.items()}
        return Table(features, self.wrong[chosen], self.mute[chosen], self.weight[chosen])

    @classmethod
    def joined(cls, tables: Sequence["Table"]) -> "Table":
        """All elements of several tables, with what all of these know of them."""
        names = [name for name in tables[0].features if all(name in table.features for table in tables)]
        return cls(
            {name: np.concatenate([table.features[name] for table in tables]) for name in names},
            np.concatenate([table.wrong for table in tables]),
            np.concatenate([table.mute for table in tables]),
            np.concatenate([table.weight for table in tables]),
        )

    @property
    def purity(self) -> float:
        """Which part of the elements is wrong."""
        return _part(self.weight, self.wrong, ~self.mute)


def _part(weight: Array, some: Array, every: Array) -> float:
    """How many some are, of all of them."""
    return float(weight[some].sum() / max(weight[every].sum(), 1))


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


@dataclass(frozen=True)
class Rule:
    """Conditions that all hold where it is wrong, and nowhere else; none where it is always wrong."""

    conditions: tuple[Condition, ...]
    purity: float

    @property
    def excess(self) -> float:
        """How many right elements meet it, for each wrong one."""
        return 1 / max(self.purity, 1e-9) - 1

    @property
    def cost(self) -> float:
        """How far-fetched it is."""
        return sum(condition.cost for condition in self.conditions)

    def met_by(self, table: Table) -> Array:
        """Which elements meet all conditions."""
        met = np.ones(table.wrong.shape, bool)
        for condition in self.conditions:
            met &= condition.met_by(table)
        return met


NEAR_TO_ZERO = 0.01
"""What holds from a number below this on, away from 0, holds below it too, but by too little to be seen."""

MOST_CONDITIONS = 3
WIDTH = 8
"""How many rules are made longer at a time."""

MOST_ELEMENTS = 3000
"""Wrong elements that a rule is looked for in, and right ones."""


def rule(table: Table) -> Rule | None:
    """The simplest rule that tells wrong elements from right ones; `None` where none does.

    All wrong elements meet each of its conditions, and most that meet them are wrong: one that is right may
    be so by chance. One condition more has to leave out half of the right ones that are left.
    """
    if not table.wrong.any():
        return None
    table = _some_of(table)
    best = Rule((), table.purity)
    beam = [best]
    for _ in range(MOST_CONDITIONS):
        if best.purity >= (PURE if best.conditions else SURE):
            break
        found = [longer for shorter in beam for longer in _extended(shorter, table)]
        beam = sorted(found, key=lambda each: (-_step(each.purity), each.cost))[:WIDTH]
        if not beam or 2 * beam[0].excess > best.excess:
            break
        best = beam[0]
    return best if best.purity >= HALF else None


def _extended(shorter: Rule, table: Table) -> Iterator[Rule]:
    """A rule with one condition more, if that leaves out some that are right."""
    inside = table.where(shorter.met_by(table))
    for condition, purity in _met_by_all_wrong(inside):
        if purity > shorter.purity and not any(condition.repeats(other) for other in shorter.conditions):
            yield Rule((*shorter.conditions, condition), purity)


def _some_of(table: Table) -> Table:
    """As many of the wrong and of the right ones as are enough, with those on which a threshold hangs."""
    chosen, weight = np.zeros(table.wrong.shape, bool), table.weight.copy()
    for which in (table.wrong, ~table.wrong):
        places = np.flatnonzero(which)
        every = max(-(-len(places) // MOST_ELEMENTS), 1)
        chosen[places[::every]] = True
        weight[places] *= every
    wrong, right = np.flatnonzero(table.wrong), np.flatnonzero(~table.wrong)
    for values in table.features.values():
        ours, theirs = values[wrong], values[right]
        least, most = ours.argmin(), ours.argmax()
        chosen[wrong[[least, most]]] = True
        if (below := theirs < ours[least]).any():
            chosen[right[np.where(below, theirs, -np.inf).argmax()]] = True
        if (above := theirs > ours[most]).any():
            chosen[right[np.where(above, theirs, np.inf).argmin()]] = True
    return replace(table, weight=weight).where(chosen)


def _step(purity: float) -> float:
    """Purities that are alike count as the same."""
    return round(purity * 20)


def _met_by_all_wrong(table: Table) -> Iterator[tuple[Condition, float]]:
    """Conditions that all wrong elements meet and some right one does not, each with its purity."""
    wrong = table.wrong
    for condition in _candidates(table):
        met = condition.met_by(table)
        if not met.all() and met[wrong].all():
            excess = _part(table.weight, met & table.mute, wrong)
            yield (
                replace(condition, excess=min(excess, 1.0)),
                _part(table.weight, wrong, met & ~table.mute),
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


def is_place(name: str) -> bool:
    """Whether a feature says where in an array an element is."""
    return name.removesuffix(FROM_END).removesuffix(FROM_HALF) in PLACES
