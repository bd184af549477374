"""Finds when a result is wrong: at most two conditions that separate its wrong from its right elements."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from oracle.explanations.changes import BLOCK_SIZES, RELATIONS, Condition, feature
from oracle.explanations.quantities import ACTIVATIONS
from oracle.explanations.steps import Place, Steps
from oracle.problems.inputs import Inputs, LayerInputs
from reference.contract import CONTRACTS, Array

MOST_ELEMENTS = 300
"""The largest number of elements that are taken from one answer."""
RIGHT_PER_WRONG = 0.004
"""The largest number of elements that meet the conditions and are right by chance, per wrong element."""
MOST_RIGHT = 0.01
"""The same on new problems, where a condition was not chosen to exclude as many as possible."""
LEAST_EXCLUDED, LEAST_PART_EXCLUDED = 4, 0.003
"""Each condition must exclude as many right elements that no other excludes: this number, and this part."""
SMALLEST_THRESHOLD = 1e-6
"""The smallest threshold in a condition, since a mistake in smaller numbers does not show."""
WIDEST_GAP = 0.1
"""The widest gap around a threshold, relative to the threshold."""
SECOND_CONDITION = 0.6
"""The cost of a second condition, without the cost of its feature."""
BLOCKS = tuple(sorted(BLOCK_SIZES))
MODULI = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64)

COSTS: Mapping[str, float] = {
    "size": 1, "equal": 1, "bits": 1, "index": 1, "from end": 1.2, "residue": 1.4, "last block": 1.3,
    "value": 1.5, "magnitude": 1.5, "largest": 1.8,
}  # fmt: skip
"""The cost of a condition, by the kind of its feature: `cheapest_conditions` minimizes the cost."""
THRESHOLDS = ("value", "magnitude", "largest")
"""The kinds of features that are no whole numbers."""

Feature = tuple[str, str, int]
"""The kind, the name and the modulus of a feature, as in `Condition`."""


def features_of(place: Place, target: str) -> Iterator[Feature]:
    """The features of the elements of a result."""
    yield from features_of_sizes(place)
    yield "index", "sample", 0
    yield from (("last block", axis, by) for axis in ("unit", "sample") for by in BLOCKS)
    if "T_x" in place.sizes:
        yield from (("index", "step", 0), ("from end", "step", 0))
        yield from (("residue", "step", by) for by in MODULI)
        yield from (("last block", "step", by) for by in BLOCKS)
    operation, operands = place.quantities.operation(target)
    arguments = operands if operation in (*ACTIVATIONS, "softmax") else ()
    memory = ("c_next",) if target == "a_next" else ()
    for name in dict.fromkeys((target, *arguments, *memory)):
        if name in place.quantities.sources(target):
            yield from ((kind, name, 0) for kind in ("value", "magnitude"))
    for name in ("xt", "a_prev", "c_prev", "logits"):
        if name in place.quantities.sources(target) or name == "xt":
            yield "largest", name, 0


def features_of_sizes(place: Place) -> Iterator[Feature]:
    """The features that all elements of an answer share."""
    yield "bits", "", 0
    yield from (("size", name, 0) for name in place.sizes)
    yield from (("equal", f"{one} = {other}", 0) for one, other in combinations(place.sizes, 2))


@dataclass(frozen=True)
class FeatureTable:
    """The `values` of each feature, and what is `wrong`, of elements in many answers, each `(elements,)`."""

    values: Mapping[Feature, Array]
    wrong: Array

    @classmethod
    def of(
        cls, cases: Sequence[Steps], target: str, excluded: Sequence[Array] | None = None
    ) -> "FeatureTable":
        """The table of a sample of the elements of each case, without right elements that are `excluded`."""
        by_case = []
        for k, case in enumerate(cases):
            wrong = case.wrong(target)
            decided = np.isfinite(case.right[target]) & np.isfinite(case.allowed[target])
            kept = decided & (~excluded[k] | wrong if excluded else True)
            parts = [np.flatnonzero(kept & wrong), np.flatnonzero(kept & ~wrong)]
            at = np.concatenate([each[:: -(-len(each) // (MOST_ELEMENTS // 2)) or 1] for each in parts])
            place = case.place_of(target)
            found = {
                each: np.broadcast_to(feature(place, target, *each), wrong.shape).reshape(-1)[at]
                for each in features_of(place, target)
            }
            by_case.append((found, wrong.reshape(-1)[at]))
        return cls._joined(by_case)

    @classmethod
    def of_problems(cls, function: str, problems: Iterable[tuple[Inputs, bool]]) -> "FeatureTable":
        """The table of whole problems, each with whether it is wrong: their sizes, equal sizes and dtypes."""
        by_problem = []
        for inputs, is_wrong in problems:
            place = Place.of_sizes(_sizes(function, inputs), inputs.dtype)
            found = {each: feature(place, "", *each).reshape(-1) for each in features_of_sizes(place)}
            by_problem.append((found, np.array([is_wrong])))
        return cls._joined(by_problem)

    @classmethod
    def _joined(cls, parts: Sequence[tuple[Mapping[Feature, Array], Array]]) -> "FeatureTable":
        """The table of several parts, each with its features and wrong elements; NaN for other features."""
        names = dict.fromkeys(each for found, _ in parts for each in found)
        values = {
            name: np.concatenate([found.get(name, np.full(len(wrong), np.nan)) for found, wrong in parts])
            for name in names
        }
        return cls(values, np.concatenate([np.zeros(0, bool), *(wrong for _, wrong in parts)]))

    def meet(self, condition: Condition) -> Array:
        """Whether each element meets a condition; NaN meets only conditions with "≠"."""
        values = self.values.get((condition.kind, condition.name, condition.by))
        if values is None:
            return np.zeros(len(self.wrong), bool)
        return RELATIONS[condition.relation](values, condition.number)

    def tells_signs(self, threshold: Condition) -> bool:
        """Whether the elements tell `v > k`, `v < -k` and `|v| > k` apart. True for other thresholds."""
        values, k = self.values.get(("value", threshold.name, 0)), abs(threshold.number)
        if values is None or (threshold.relation == ">") != (threshold.number > 0):
            return True
        have_one_sign = not ((values < 0).any() and (values > 0).any())
        return have_one_sign or bool((values < -k).any() and (values > k).any())

    def are_separated_by(self, conditions: Sequence[Condition]) -> bool:
        """Whether all wrong elements and almost no right elements meet the conditions."""
        met = np.ones(len(self.wrong), bool)
        for each in conditions:
            met &= self.meet(each)
        return not (self.wrong & ~met).any() and (~self.wrong & met).sum() <= MOST_RIGHT * self.wrong.sum()

    def tests(self, conditions: Sequence[Condition]) -> bool:
        """Whether some elements are wrong, and for each condition, right ones meet only all others."""
        met = np.array([self.meet(each) for each in conditions])
        alone = (~one & np.delete(met, k, axis=0).all(axis=0) for k, one in enumerate(met))
        return bool(self.wrong.any()) and all((each & ~self.wrong).any() for each in alone)


def are_met(
    function: str, inputs: Inputs, conditions: Sequence[Condition], arguments: Sequence[Any] | None = None
) -> bool:
    """Whether a problem, or a call that a law makes for it, meets conditions on sizes and dtypes."""
    sizes, dtype = _sizes(function, inputs), inputs.dtype
    if arguments is not None:
        called, dtype = _sizes_of_call(function, arguments), arguments[0].dtype
        sizes = {name: called.get(name, size) for name, size in sizes.items()}
    place = Place.of_sizes(sizes, dtype)
    return all(each.holds(place, "").all() for each in conditions)


def cheapest_conditions(table: FeatureTable, *, thresholds: bool = True) -> Sequence[Condition] | None:
    """The cheapest conditions that all wrong elements and almost no right elements meet; `None` if unknown.

    There are no conditions if all elements are wrong. Only one of two conditions may be a threshold, and none
    without `thresholds`.
    """
    most, right_count = RIGHT_PER_WRONG * int(table.wrong.sum()), int((~table.wrong).sum())
    if not most:
        return None
    if right_count <= most:
        return ()
    least = max(LEAST_EXCLUDED, int(LEAST_PART_EXCLUDED * right_count))
    found = []
    for condition, cost in _candidates(table):
        if condition.kind in THRESHOLDS and not (thresholds and table.tells_signs(condition)):
            continue
        excluded = ~table.meet(condition)[~table.wrong]
        if excluded.sum() >= least:
            found.append((condition, cost, excluded))
    best: tuple[float, Sequence[Condition]] | None = None
    for condition, cost, excluded in found:
        if right_count - excluded.sum() <= most and (best is None or cost < best[0]):
            best = cost, (condition,)
    found = sorted(found, key=lambda each: -int(each[2].sum()))[:80]
    for (one, cost, excluded), (two, other_cost, other) in combinations(found, 2):
        total = cost + other_cost + SECOND_CONDITION
        if (best is not None and total >= best[0]) or (one.kind in THRESHOLDS and two.kind in THRESHOLDS):
            continue
        alone = int((excluded & ~other).sum()), int((other & ~excluded).sum())
        if min(alone) >= least and right_count - int((excluded | other).sum()) <= most:
            best = total, (one, two)
    return best[1] if best else None


def _candidates(table: FeatureTable) -> Iterator[tuple[Condition, float]]:
    """Conditions that all wrong elements and not all right elements meet, each with its cost.

    A size that no element varies is not compared with another size, which is then a number.
    """
    rows = table.values
    constant = {name for (kind, name, _), row in rows.items() if kind == "size" and (row == row[:1]).all()}
    for (kind, name, by), row in rows.items():
        if kind == "equal" and constant & {*name.split(" = ")}:
            continue
        ours, theirs = row[table.wrong], row[~table.wrong]
        if np.isnan(ours).any():
            continue
        low, high = float(ours.min()), float(ours.max())
        theirs = theirs[~np.isnan(theirs)]
        cost, is_whole = COSTS[kind], kind not in THRESHOLDS
        if low == high and (theirs != low).any() and (is_whole or low == 0):
            far = min(by + low, 20) if kind in ("residue", "size", "index") else 0
            yield Condition(kind, name, "=", low, by), cost + 0.005 * far
        if kind == "residue" and (ours != 0).all() and (theirs == 0).any():
            yield Condition(kind, name, "≠", 0.0, by), cost + 0.03 * by
        if kind in ("residue", "equal", "last block"):
            continue
        below, above = theirs[theirs < low], theirs[theirs > high]
        if below.size:
            limit = float(below.max())
            if is_whole:
                yield Condition(kind, name, "≥", low), cost + 0.05
            elif np.isfinite(low) and not 0 <= limit < SMALLEST_THRESHOLD and _is_narrow(limit, low):
                number, more = _threshold(-low, -limit)
                yield Condition(kind, name, ">", -number), cost + more
        if above.size:
            limit = float(above.min())
            if is_whole:
                yield Condition(kind, name, "≤", high), cost + 0.05
            elif np.isfinite(limit) and _is_narrow(high, limit):
                number, more = _threshold(high, limit)
                yield Condition(kind, name, "<", number), cost + more


def _is_narrow(low: float, high: float) -> bool:
    """Whether the gap between right and wrong elements is so narrow that it shows where the threshold is."""
    return low <= 0 <= high or high - low <= WIDEST_GAP * max(abs(low), abs(high))


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


def _sizes_of_call(function: str, arguments: Sequence[Any]) -> dict[str, int]:
    """The sizes that a law may change: all but those of the parameters."""
    contract, sizes = CONTRACTS[function], dict[str, int]()
    named = dict(zip((*contract.arguments, *contract.last_arguments), arguments, strict=False))
    for name, shape in contract.arguments.items():
        sizes |= zip(map(str, shape), np.shape(named[name]), strict=False)
    if options := named.get("options"):
        sizes |= {"L": len(named["parameters"]) // options["directions"], "D": options["directions"]}
    return sizes


def _sizes(function: str, inputs: Inputs) -> dict[str, int]:
    """The sizes of a problem of a function; n_p is 0 without a projection."""
    sizes = inputs.sizes
    if isinstance(inputs, LayerInputs):
        n_h = sizes.pop("n_h")
        return {**sizes, "n_p": n_h if "Wp" in inputs.parameters[0] else 0}
    return {name: sizes[name] for name in CONTRACTS[function].sizes}
