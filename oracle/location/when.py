"""Finds when an equation does not hold: the cheapest conditions that separate wrong from right elements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from oracle.location.facts import Condition, Feature, When
from oracle.location.features import COSTS, derived_features, features_of
from oracle.location.observations import Observation
from reference.contract import Array

MOST = 300
"""The largest number of elements that are taken from one answer."""
RIGHT_PER_WRONG = 0.004
"""The largest number of right elements that may meet the conditions, for each wrong element.

Some elements are right by chance."""
SUPPORT = 4
"""The smallest number of right elements that one condition must exclude and the other does not."""
EQUALITY_ONLY = ("residue", "equal", "input repeats", "in last block")
"""Features that conditions compare by equality only."""
WHOLE_NUMBERS = (*EQUALITY_ONLY, "size", "bits", "index", "index from end")
"""Features whose values are whole numbers."""
SMALLEST_THRESHOLD = 1e-6
"""Smaller thresholds are not considered, since a mistake in such small numbers does not show."""
SECOND_CONDITION = 0.6
"""The cost of a second condition, in addition to the cost of its feature."""


@dataclass(frozen=True)
class Table:
    """The features of the elements of many answers.

    Attributes
    ----------
    values
        The features `(features, elements)`, with NaN where an answer does not have a feature.
    wrong
        Whether each element is wrong.
    places
        For each answer, the indices of its elements in its flattened arrays.
    """

    features: Sequence[Feature]
    values: Array
    wrong: Array
    places: Sequence[Array]

    @classmethod
    def of(cls, every: Sequence[tuple[Observation, str]]) -> "Table":
        """The table of answers, each with the name of the equation whose elements are taken."""
        blocks = [_sampled_features(observation, target) for observation, target in every]
        wrong = [np.zeros(0, bool)]
        for (observation, target), (_, places) in zip(every, blocks, strict=True):
            wrong.append(observation.checks[target].wrong.reshape(-1)[places])
        found = {
            feature: np.concatenate(
                [block.get(feature, np.full(len(places), np.nan)) for block, places in blocks]
            )
            for feature in dict.fromkeys(feature for block, _ in blocks for feature in block)
        }
        found |= derived_features(found)
        values = np.array([*found.values()]).reshape(len(found), -1)
        return cls([*found], values, np.concatenate(wrong), [places for _, places in blocks])

    def without(self, excluded: Sequence[Array]) -> "Table":
        """The table without the elements where `excluded`, an array for each answer, is true."""
        chosen = ~np.concatenate(
            [mask.reshape(-1)[places] for mask, places in zip(excluded, self.places, strict=True)]
        )
        return replace(self, values=self.values[:, chosen], wrong=self.wrong[chosen], places=())

    def met(self, condition: Condition) -> Array:
        """Whether each element meets a condition."""
        if condition.feature not in self.features:
            return np.zeros(len(self.wrong), bool)
        return compared(self.values[self.features.index(condition.feature)], condition)


RELATIONS: Mapping[str, np.ufunc] = {
    "=": np.equal, "≠": np.not_equal,
    "≥": np.greater_equal, "≤": np.less_equal, ">": np.greater, "<": np.less,
}  # fmt: skip


def compared(values: Array, condition: Condition) -> Array:
    """Whether each number meets a condition; NaN meets only conditions with "≠"."""
    return np.asarray(RELATIONS[condition.relation](values, condition.value))


def _sampled_features(observation: Observation, target: str) -> tuple[dict[Feature, Array], Array]:
    """The features of some elements of an equation, and the flat indices of the elements.

    Cached in the observation.
    """
    if target not in observation.blocks:
        check = observation.checks[target]
        places = _sampled(check.wrong, check.decided)
        shape = check.shown.shape
        found = features_of(observation, target)
        block = {name: np.broadcast_to(array, shape).reshape(-1)[places] for name, array in found.items()}
        observation.blocks[target] = block, places
    return observation.blocks[target]


def _sampled(wrong: Array, decided: Array) -> Array:
    """The flat indices of at most `MOST / 2` wrong and `MOST / 2` right elements."""
    places = []
    for which in (wrong & decided, ~wrong & decided):
        every = np.flatnonzero(which)
        places.append(every[:: -(-len(every) // (MOST // 2)) or 1])
    return np.concatenate(places)


def rule(table: Table, how_is_known: bool) -> When | None:
    """The cheapest one or two conditions that separate the wrong from the right elements; `None` if unknown.

    All wrong elements and almost no right elements meet the conditions. Each of two conditions must exclude
    at least `SUPPORT` right elements that the other does not. `how_is_known` allows more pairs of conditions.
    """
    wrong = table.wrong
    count = int(wrong.sum())
    if not count:
        return None
    most = RIGHT_PER_WRONG * count
    rights = int((~wrong).sum())
    if rights <= most:
        return When()
    found = [*_candidates(table)]
    if not found:
        return None
    rows = {feature: k for k, feature in enumerate(table.features)}
    right = table.values[:, ~wrong]
    fails = np.array(
        [~compared(right[rows[c.feature]], c) for c, _ in found]
    )  # (conditions, right elements): the right elements that each condition excludes
    left = rights - fails.sum(axis=1)
    least = max(SUPPORT, int(0.003 * rights))
    keep = np.flatnonzero(rights - left >= least)
    found, fails, left = [found[k] for k in keep], fails[keep], left[keep]
    best: tuple[float, When] | None = None
    for k, (condition, cost) in enumerate(found):
        if left[k] <= most and (best is None or cost < best[0]):
            best = cost, When((condition,))
    keep = np.array([k for k, (c, _) in enumerate(found) if _goes_with_others(c, how_is_known)], int)
    found, fails, left = [found[k] for k in keep], fails[keep], left[keep]
    useful = [k for k in np.argsort(left) if left[k] < rights][:120]
    sample = fails[:, :: -(-rights // 3000) or 1]
    for i, j in combinations(useful, 2):
        cost = found[i][1] + found[j][1] + SECOND_CONDITION
        if best is not None and cost >= best[0]:
            continue
        if (sample[i] | sample[j]).sum() < sample.shape[1] - most - 1:
            continue
        alone = int((fails[i] & ~fails[j]).sum()), int((fails[j] & ~fails[i]).sum())
        if min(alone) >= least and rights - int((fails[i] | fails[j]).sum()) <= most:
            best = cost, When((found[i][0], found[j][0]))
    return best[1] if best else None


def _goes_with_others(condition: Condition, how_is_known: bool) -> bool:
    """Whether a condition can be one of two. Without a known form, two thresholds are too weak evidence."""
    is_exact = condition.feature.kind in WHOLE_NUMBERS or condition.value == 0
    return is_exact or (how_is_known and condition.feature.kind not in ("largest of all", "change"))


def _candidates(table: Table) -> Iterator[tuple[Condition, float]]:
    """Conditions that all wrong elements and not all right elements meet, each with its cost."""
    wrong = table.wrong
    for feature, row in zip(table.features, table.values, strict=True):
        ours, theirs = row[wrong], row[~wrong]
        if np.isnan(ours).any():
            continue
        low, high = float(ours.min()), float(ours.max())
        theirs = theirs[~np.isnan(theirs)]
        cost = COSTS[feature.kind]
        is_whole = feature.kind in WHOLE_NUMBERS
        if low == high and (theirs != low).any() and (is_whole or low == 0):
            far = min(feature.by + low, 20) if feature.kind in ("residue", "size", "index") else 0
            yield Condition(feature, "=", low), cost + 0.005 * far
        if feature.kind == "residue" and (ours != 0).all() and (theirs == 0).any():
            yield Condition(feature, "≠", 0.0), cost + 0.03 * feature.by
        if feature.kind in EQUALITY_ONLY:
            continue
        below, above = theirs[theirs < low], theirs[theirs > high]
        if below.size:
            limit = float(below.max())
            if is_whole:
                yield Condition(feature, "≥", low), cost + 0.05
            elif np.isfinite(low) and not 0 <= limit < SMALLEST_THRESHOLD:
                yield Condition(feature, ">", -_shortest_between(-low, -limit)), cost + _gap(limit, low)
        if above.size:
            limit = float(above.min())
            if is_whole:
                yield Condition(feature, "≤", high), cost + 0.05
            elif np.isfinite(limit):
                yield Condition(feature, "<", _shortest_between(high, limit)), cost + _gap(high, limit)


def _gap(low: float, high: float) -> float:
    """The cost of the gap between right and wrong values, since the gap is smallest for the true feature."""
    scale = max(abs(low), abs(high))
    return 0.4 * min((high - low) / scale, 2) if scale else 0.0


def _shortest_between(low: float, high: float) -> float:
    """The number with the fewest digits above `low` and at most `high`."""
    if low < 0 <= high:
        return 0.0
    for digits in range(1, 16):
        for number in (float(f"{each:.{digits}g}") for each in ((low + high) / 2, low, high)):
            if low < number <= high:
                return number
    return high
