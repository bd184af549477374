"""Finds when an equation does not hold: the simplest conditions that separate wrong from right elements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from oracle.location.facts import Condition, Feature, When
from oracle.location.features import COSTS, derived_features, features_of
from oracle.location.observations import Check, EquationCase
from reference.contract import Array

MOST_ELEMENTS = 300
"""The largest number of elements that are taken from one answer."""
RIGHT_PER_WRONG = 0.004
"""The largest number of elements that meet the conditions and are right by chance, per wrong element."""
LEAST_EXCLUDED = 4
"""Each condition must exclude at least this number of right elements that no other condition excludes."""
EQUALITY_ONLY = ("residue", "equal", "input repeats", "in last block")
"""The kinds of features that conditions compare only by `=` and `≠`."""
WHOLE_NUMBERS = (*EQUALITY_ONLY, "size", "bits", "index", "index from end")
"""The kinds of features whose values are whole numbers."""
SMALLEST_THRESHOLD = 1e-6
"""The smallest threshold in a condition, since a mistake in smaller numbers does not show."""
SECOND_CONDITION = 0.6
"""The cost of a second condition, without the cost of its feature."""


@dataclass(frozen=True)
class FeatureTable:
    """The features of elements of one equation in many answers.

    `values (features, elements)` has NaN if an answer does not have a feature, and `wrong (elements,)` says
    which elements are wrong. `indices` has the elements' indices in the flattened arrays of each answer.
    """

    features: Sequence[Feature]
    values: Array
    wrong: Array
    indices: Sequence[Array]

    @classmethod
    def of(cls, cases: Sequence[EquationCase]) -> "FeatureTable":
        """The table of a sample of the elements of each case."""
        samples = [_sampled_features(case) for case in cases]
        wrong = [case.check.wrong.reshape(-1)[at] for case, (_, at) in zip(cases, samples, strict=True)]
        features = {
            feature: np.concatenate([each.get(feature, np.full(len(at), np.nan)) for each, at in samples])
            for feature in dict.fromkeys(feature for each, _ in samples for feature in each)
        }
        features |= derived_features(features)
        values = np.array([*features.values()]).reshape(len(features), -1)
        return cls(
            [*features], values, np.concatenate([np.zeros(0, bool), *wrong]), [at for _, at in samples]
        )

    def without_elements(self, excluded: Sequence[Array]) -> "FeatureTable":
        """The table without the elements where `excluded`, an array for each answer, is true."""
        kept = ~np.concatenate(
            [each.reshape(-1)[indices] for each, indices in zip(excluded, self.indices, strict=True)]
        )
        return replace(self, values=self.values[:, kept], wrong=self.wrong[kept], indices=())

    def elements_meeting(self, condition: Condition) -> Array:
        """Whether each element meets a condition."""
        if condition.feature not in self.features:
            return np.zeros(len(self.wrong), bool)
        return meets(self.values[self.features.index(condition.feature)], condition)


RELATIONS: Mapping[str, np.ufunc] = {
    "=": np.equal, "≠": np.not_equal,
    "≥": np.greater_equal, "≤": np.less_equal, ">": np.greater, "<": np.less,
}  # fmt: skip


def meets(values: Array, condition: Condition) -> Array:
    """Whether each number meets a condition; NaN meets only conditions with "≠"."""
    return np.asarray(RELATIONS[condition.relation](values, condition.value))


def _sampled_features(case: EquationCase) -> tuple[dict[Feature, Array], Array]:
    """The features of some elements, and the flat indices of these elements; cached in the observation."""
    known = case.observation.sampled_features
    if case.target not in known:
        at, shape = _sampled_indices(case.check), case.check.shown.shape
        features = features_of(case.observation, case.target)
        known[case.target] = (
            {feature: np.broadcast_to(values, shape).reshape(-1)[at] for feature, values in features.items()},
            at,
        )
    return known[case.target]


def _sampled_indices(check: Check) -> Array:
    """The flat indices of at most `MOST_ELEMENTS / 2` wrong and `MOST_ELEMENTS / 2` right elements."""
    every = [np.flatnonzero(is_wrong & check.decided) for is_wrong in (check.wrong, ~check.wrong)]
    return np.concatenate([each[:: -(-len(each) // (MOST_ELEMENTS // 2)) or 1] for each in every])


def cheapest_conditions(table: FeatureTable, how_is_known: bool) -> When | None:
    """The cheapest one or two conditions that separate the wrong from the right elements; `None` if unknown.

    All wrong elements and almost no right elements meet the conditions. Each of two conditions must exclude
    at least `LEAST_EXCLUDED` right elements that meet the other condition. If the replacement is known
    (`how_is_known`), more pairs of conditions are tried.
    """
    most, right_count = RIGHT_PER_WRONG * int(table.wrong.sum()), int((~table.wrong).sum())
    if not most:
        return None
    if right_count <= most:
        return When()
    found = [*_candidates(table)]
    if not found:
        return None
    rows = {feature: k for k, feature in enumerate(table.features)}
    right = table.values[:, ~table.wrong]
    # The right elements that each condition excludes, (conditions, right elements).
    excluded = np.array([~meets(right[rows[c.feature]], c) for c, _ in found])
    left = right_count - excluded.sum(axis=1)
    least = max(LEAST_EXCLUDED, int(0.003 * right_count))
    keep = np.flatnonzero(right_count - left >= least)
    found, excluded, left = [found[k] for k in keep], excluded[keep], left[keep]
    best: tuple[float, When] | None = None
    for k, (condition, cost) in enumerate(found):
        if left[k] <= most and (best is None or cost < best[0]):
            best = cost, When((condition,))
    keep = np.array([k for k, (c, _) in enumerate(found) if _goes_with_others(c, how_is_known)], int)
    found, excluded, left = [found[k] for k in keep], excluded[keep], left[keep]
    useful = [k for k in np.argsort(left) if left[k] < right_count][:120]  # not all, to save time
    sample = excluded[:, :: -(-right_count // 3000) or 1]  # rules out most pairs quickly
    for i, j in combinations(useful, 2):
        cost = found[i][1] + found[j][1] + SECOND_CONDITION
        if best is not None and cost >= best[0]:
            continue
        if (sample[i] | sample[j]).sum() < sample.shape[1] - most - 1:
            continue
        alone = int((excluded[i] & ~excluded[j]).sum()), int((excluded[j] & ~excluded[i]).sum())
        if min(alone) >= least and right_count - int((excluded[i] | excluded[j]).sum()) <= most:
            best = cost, When((found[i][0], found[j][0]))
    return best[1] if best else None


def _goes_with_others(condition: Condition, how_is_known: bool) -> bool:
    """Whether a condition can be one of two. A threshold is weak evidence, and needs a known replacement."""
    is_exact = condition.feature.kind in WHOLE_NUMBERS or condition.value == 0
    return is_exact or (how_is_known and condition.feature.kind not in ("largest of all", "change"))


def _candidates(table: FeatureTable) -> Iterator[tuple[Condition, float]]:
    """Conditions that all wrong elements and not all right elements meet, each with its cost."""
    for feature, row in zip(table.features, table.values, strict=True):
        ours, theirs = row[table.wrong], row[~table.wrong]
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
                number, more = _threshold(-low, -limit)
                yield Condition(feature, ">", -number), cost + more
        if above.size:
            limit = float(above.min())
            if is_whole:
                yield Condition(feature, "≤", high), cost + 0.05
            elif np.isfinite(limit):
                number, more = _threshold(high, limit)
                yield Condition(feature, "<", number), cost + more


def _threshold(low: float, high: float) -> tuple[float, float]:
    """The number with the fewest digits that is above `low` and at most `high`, and its cost."""
    scale = max(abs(low), abs(high))  # the true feature has the smallest gap, and mostly a round threshold
    gap = 0.4 * min((high - low) / scale, 2) if scale else 0.0
    if low < 0 <= high:
        return 0.0, gap
    for digits in range(1, 16):
        for number in (float(f"{each:.{digits}g}") for each in ((low + high) / 2, low, high)):
            if low < number <= high:
                return number, gap + 0.01 * digits
    return high, gap + 0.16
