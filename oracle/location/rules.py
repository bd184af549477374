"""When it is wrong: the simplest condition that all wrong elements meet, and the right ones do not."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from oracle.location.conditions import Condition, met_by_all_wrong
from oracle.location.table import Table
from reference.contract import Array

HALF, PURE, SURE = 0.5, 0.9, 0.97
"""Which part of the elements that meet a rule has to be wrong: for it to be stated with that part; as
it is; and, where it has no condition, for none to be looked for.
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
        """How far-fetched it is."""
        return sum(condition.cost for condition in self.conditions)

    def met_by(self, table: Table) -> Array:
        """Which elements meet all conditions."""
        met = np.ones(table.wrong.shape, bool)
        for condition in self.conditions:
            met &= condition.met_by(table)
        return met


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
    for condition, purity in met_by_all_wrong(inside):
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
