"""When it is wrong: the simplest condition that all wrong elements meet, and the right ones do not."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from oracle.location.when.condition import Condition
from oracle.location.when.conditions import bluntness, met_by_all_wrong
from oracle.location.when.table import SIZE_OF, SIZES, Table, is_of_time, is_place, is_row, kind_of, part_of
from reference.contract import Array

LEAST, HALF, PURE, SURE = 0.3, 0.5, 0.9, 0.97
"""Which part of the elements that meet a rule has to be wrong: for it to be stated with that part, if it is
of sizes and places alone; for any to be; for it to be stated as it is; and for no condition more to be looked
for where there is none, or all are of sizes: what is right there is seldom so by chance. Of as many
conditions as there may be nearly all that meet them have to be wrong.
"""


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
        """How far-fetched it is; what nothing speaks against comes before what is right at times.

        Of sizes that counts most.
        """
        at_times = 0 if self.purity == 1 else 4 if self.is_of_sizes else 1
        return sum(condition.cost for condition in self.conditions) + at_times

    @property
    def is_plain(self) -> bool:
        """Whether it is of sizes, places and the precision alone."""
        return all(condition.is_plain for condition in self.conditions)

    @property
    def is_of_sizes(self) -> bool:
        """Whether it is of sizes alone, or of nothing."""
        return all(condition.feature in SIZES for condition in self.conditions)

    @property
    def is_of_time(self) -> bool:
        """Whether it is of steps, or of how many there are."""
        return any(is_of_time(condition.feature) for condition in self.conditions)

    def is_as_likely_as(self, other: "Rule") -> bool:
        """Whether it is as good as another that comes first, and hardly more far-fetched."""
        return _step(self.purity) == _step(other.purity) and self.cost <= other.cost + NEARLY

    def without(self, place: str) -> "Rule":
        """What it says but that a place is the first one, which goes without saying."""
        kept = [each for each in self.conditions if each.form != (place, "=", "") or each.value]
        return replace(self, conditions=tuple(kept))

    @property
    def forms(self) -> list[tuple[str, str, str]]:
        """What it compares, whatever the numbers."""
        return [condition.form for condition in self.conditions]

    @property
    def sizes(self) -> dict[str, int]:
        """Sizes that meet its conditions of single sizes."""
        return {each.feature: each.size for each in self.conditions if each.size}

    @property
    def sizes_of_places(self) -> list[str]:
        """How many there are of what its conditions say the places of."""
        places = [each.feature for each in self.conditions if is_place(each.feature)]
        return [SIZE_OF[kind_of(place)] for place in places]

    def is_like(self, other: "Rule") -> bool:
        """Whether it compares the same, whatever the numbers; beside a value but for what it leaves out."""
        ours, theirs = ({condition.form for condition in rule.conditions} for rule in (self, other))
        apart = [each for each in (*self.conditions, *other.conditions) if each.form in ours ^ theirs]
        of_values = any(not each.is_plain and each.form in theirs for each in self.conditions)
        return not apart or (of_values and all(each.is_exception for each in apart))

    @property
    def loosened(self) -> "Rule":
        """What it says is right is what does not meet this."""
        return replace(self, conditions=tuple(condition.loosened() for condition in self.conditions))

    def without_rows_but(self, row: str) -> "Rule":
        """What it says of rows of one kind, and of what is the same of all: classes alone need be several."""
        kept = [each for each in self.conditions if not is_row(each.feature) or kind_of(each.feature) == row]
        if row != "class":
            kept = [each for each in kept if (each.form, each.value) != (("n_y", "≥", ""), 2)]
        return replace(self, conditions=tuple(kept))

    def without_what_follows(self, table: Table) -> "Rule":
        """Without each condition that no element fails which meets the others."""
        kept = self
        for condition in reversed(self.conditions):
            others = replace(kept, conditions=tuple(each for each in kept.conditions if each != condition))
            if others.conditions and others.met_by(table).sum() == kept.met_by(table).sum():
                kept = others
        return kept

    def held_to(self, table: Table) -> "Rule":
        """With the nearest right values on the other side of its thresholds that a larger table has.

        Where some that are beyond a threshold are right by chance, the nearest may be one of them: as many
        are left out as could be.
        """
        conditions = list(self.conditions)
        for i, condition in enumerate(conditions):
            if math.isnan(condition.beyond):
                continue
            others = replace(self, conditions=(*conditions[:i], *conditions[i + 1 :])).met_by(table)
            met, sign = condition.met_by(table), 1 if condition.relation == "≥" else -1
            right = ~met & ~table.wrong & (others | (condition.feature in SIZES))
            values = sign * table.features[condition.feature][right]
            if condition.value * condition.beyond <= 0 and not condition.is_plain:
                values = values[values * sign * condition.value <= 0]  # others are wrong by too little
            values = np.unique(values[~np.isnan(values)])[::-1]
            if not values.size:
                continue
            doubt = 0.0 if condition.is_plain else bluntness(condition, table, others & met & ~table.mute)
            nearest = 0 if doubt == 0 else int(np.log(CHANCE) / np.log(min(doubt, 0.9)))
            conditions[i] = replace(condition, beyond=float(sign * values[min(nearest, len(values) - 1)]))
        return replace(self, conditions=tuple(conditions))

    def met_by(self, table: Table) -> Array:
        """Which elements meet all conditions."""
        met = np.ones(table.wrong.shape, bool)
        for condition in self.conditions:
            met &= condition.met_by(table)
        return met


MOST_CONDITIONS = 3
NEARLY = 0.01
"""By how much more far-fetched one rule is hardly so."""
WIDTH = 8
"""How many rules are made longer at a time."""
PROMISING = 1.5
"""Of how many right elements one has to be left out for what is longer still to be looked for."""

MOST_ELEMENTS = 3000
"""Wrong elements that a rule is looked for in, and right ones."""


def rule(table: Table) -> Rule | None:
    """The simplest rule that tells wrong elements from right ones; `None` where none does.

    All wrong elements meet each of its conditions, and most that meet them are wrong: one that is right may
    be so by chance. Each condition more has to leave out half of the right ones that are left, if not by
    itself, with the next.
    """
    if not table.wrong.any():
        return None
    every, table = table, _some_of(table)
    best = Rule((), table.purity)
    beam = [best]
    for _ in range(MOST_CONDITIONS):
        if best.purity >= (SURE if best.is_of_sizes else PURE):
            break
        found = [
            longer
            for shorter in beam
            for longer in _extended(shorter, table)
            if longer.purity > shorter.purity
            and not (shorter.conditions and longer.conditions[-1].compares_sizes)
        ]
        beam = sorted(found, key=lambda each: (-_step(each.purity), each.cost, -each.purity))[:WIDTH]
        if not any(PROMISING * each.excess <= best.excess for each in beam):
            break
        longer_by = len(beam[0].conditions) - len(best.conditions)
        if 2**longer_by * beam[0].excess <= best.excess:
            best = _purest([each for each in beam if each.is_as_likely_as(beam[0])], every)
    least = LEAST if best.conditions and best.is_plain else HALF
    if best.purity < (PURE if len(best.conditions) == MOST_CONDITIONS and not best.is_plain else least):
        return None if best.is_plain else rule(every.plain())
    # Of what is right at times, where all is met, few conditions tell more than many.
    for most in (MOST_EXCEPTIONS, max(MOST_AT_TIMES - len(best.conditions), 0)):
        told = _with_exceptions(best, table, every, most)
        if told.purity >= PURE or len(told.conditions) <= MOST_AT_TIMES:
            return told.without_what_follows(every).held_to(every)
    return None


MOST_AT_TIMES = 2

ENOUGH = 12
"""How many right elements of one kind make an exception."""

CHANCE = 0.01
"""How likely it may be that a right value that bounds a threshold is right by chance."""

FEW = 0.5
"""Up to which part of the elements may tell nothing for these to make an exception, too."""

MOST_EXCEPTIONS = 3


def _with_exceptions(found: Rule, table: Table, every: Table, most: int) -> Rule:
    """The rule less what is always right of what meets it: a size of 1, an end, another precision, zeros.

    Of a size or a place that may be few elements of many, so all that meet a rule of such are looked at.
    """
    of_few = _some_of(every, found.met_by(every)) if found.is_plain else table
    # What comes before a place that comes again is right for being the first, whatever the sizes are.
    begun = _begun(found, every)
    inside, table = (each.where(begun.met_by(each) | ~found.met_by(each)) for each in (of_few, table))
    for _ in range(most):
        longer = []
        few_mute = table.mute[found.met_by(table)].mean() <= FEW
        for seen, is_of_few in (inside, True), (table, False):
            for each in _extended(found, seen):
                last = each.conditions[-1]
                is_of_same = last.relation == "≥" and any(
                    last.feature == one.feature for one in found.conditions
                )
                if (
                    not (last.is_exception or (last.is_plain and is_of_same))
                    or (last.is_plain and not last.other) != is_of_few
                ):
                    continue
                if last.is_of_fours and last.feature not in found.sizes_of_places:
                    continue  # which small sizes are by chance
                left_out = found.met_by(seen) & ~last.met_by(seen)
                counts_mute = few_mute and last.is_plain and not (last.other or last.leaves_out_several)
                if last.feature in SIZES:  # unless all is mute, as of one class, which is 1
                    counts_mute &= bool(table.mute[~last.met_by(table)].all())
                if not counts_mute:
                    left_out &= ~seen.mute
                needed = int(seen.wrong.sum()) // 10 if last.other else ENOUGH
                # Of many right ones some are looked at, and of sizes each of these stands for several.
                count = float(left_out.sum())
                if last.is_plain:
                    count = max(count, float(seen.weight[left_out].sum()))
                if count >= max(needed, ENOUGH):
                    longer.append((count, each))
        if not longer:
            break
        found = max(longer, key=lambda pair: pair[0])[1]
    return _begun(found, every)


def _begun(found: Rule, table: Table) -> Rule:
    """The rule, and where it begins of a place that comes again and again, if that is not the first one."""
    begins = list(found.conditions)
    for each in found.conditions:
        least = float(table.features[each.feature][table.wrong].min())
        is_again = is_place(each.feature) and each.relation.startswith("mod") and each.relation.endswith("=")
        if is_again and least > each.value and not any(other.begins(each.feature) for other in begins):
            begins.append(Condition(each.feature, "≥", least, beyond=least - 1))
    return replace(found, conditions=tuple(begins))


def _extended(shorter: Rule, table: Table) -> Iterator[Rule]:
    """A rule with one condition more."""
    inside = table.where(shorter.met_by(table))
    for condition, purity in met_by_all_wrong(inside):
        if not any(condition.repeats(other) or condition.is_in(other) for other in shorter.conditions):
            yield Rule((*shorter.conditions, condition), purity)


def _some_of(table: Table, among: Array | bool = True) -> Table:
    """As many of the wrong and of the right ones as are enough, with those on which a threshold hangs."""
    chosen, weight = np.zeros(table.wrong.shape, bool), table.weight.copy()
    ours_and_theirs = table.wrong & among, ~table.wrong & among
    for which in ours_and_theirs:
        places = np.flatnonzero(which)
        every = max(-(-len(places) // MOST_ELEMENTS), 1)
        chosen[places[::every]] = True
        weight[places] *= every
    wrong, right = map(np.flatnonzero, ours_and_theirs)
    for values in table.features.values():
        ours, theirs = values[wrong], values[right]
        least, most = ours.argmin(), ours.argmax()
        chosen[wrong[[least, most]]] = True
        if (below := theirs < ours[least]).any():
            chosen[right[np.where(below, theirs, -np.inf).argmax()]] = True
        if (above := theirs > ours[most]).any():
            chosen[right[np.where(above, theirs, np.inf).argmin()]] = True
    return replace(table, weight=weight).where(chosen)


def _purest(rules: Sequence[Rule], every: Table) -> Rule:
    """The one that fewest of all right elements meet: of those that are looked at, too few may tell."""
    met = [each.met_by(every) & ~every.mute for each in rules]
    return rules[int(np.argmax([part_of(every.weight, every.wrong, each) for each in met]))]


def _step(purity: float) -> float:
    """Purities that are alike count as the same."""
    return round(purity * 20)
