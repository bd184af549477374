"""Which conditions all wrong elements meet, and some right ones do not."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np

from oracle.location.when import borders
from oracle.location.when.condition import BLOCKS, NO_POWER, POWER, Condition
from oracle.location.when.moved import is_of_state
from oracle.location.when.table import (
    FROM_END,
    FROM_FAR,
    FROM_HALF,
    ITSELF,
    PLACES,
    PRODUCT,
    SIZE_OF,
    SIZES,
    Table,
    is_plain,
    part_of,
)
from reference.contract import Array

RESIDUES = (3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)
"""Of which one may be right alone."""

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
            if least == most == 0:
                yield Condition(name, "=", 0.0)
            elif (theirs < 0).any() and least == 0:
                yield Condition(name, "≥", 0.0, beyond=-1.0)
            elif (theirs >= 0).any() and most < 0:
                yield Condition(name, "≤", -1.0, beyond=0.0)
            continue
        if name.endswith(FROM_FAR):
            if (below := theirs[theirs < least]).size:
                yield Condition(name, "≥", float(least), beyond=float(below.max()))
            continue
        stands = most == 0 and is_of_state(name)  # which is mostly how a step is left out, not why
        if least == most:
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
        if name in SIZES and " " not in name:
            yield from _powers(name, ours, theirs)
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


def _powers(name: str, ours: Array, theirs: Array) -> Iterator[Condition]:
    """That all wrong sizes are powers of two, or none is, where there are several of these."""
    for relation, some in (POWER, ours), (NO_POWER, theirs):
        condition = Condition(name, relation, 2.0)
        wrong, powers = (np.frexp(sizes)[0] == 0.5 for sizes in (ours, some))
        if (wrong if relation == POWER else ~wrong).all() and len(np.unique(some[powers])) > FEW_POWERS:
            yield condition


FEW_POWERS = 3
"""Powers of two that are so by chance."""
