"""Lists the replacements to try for a wrong result; their numbers come from lists or from shown values."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np

from oracle.explanations.changes import MAPS, NUMBERS, OVER_TIME, Replacement
from oracle.explanations.quantities import ACTIVATIONS
from oracle.explanations.steps import RESULTS, Place, Steps
from oracle.network.equations import GATES
from reference.contract import Array

OF_ARGUMENT = (
    "", "tanh", "sigmoid", "relu", "sign", "(tanh(z) + 1) / 2", "1.7159 tanh(2 z / 3)",
    "0.2 z + 0.5 in [0, 1]", "z (27 + z^2) / (27 + 9 z^2) in [-1, 1]",
)  # fmt: skip
"""The functions of its argument that may replace an activation; the first is the argument itself."""
OF_VALUE = (
    "zero", "one", "one minus", "tanh", "sigmoid", "relu", "float32", "float16", "bfloat16", "bfloat16, cut",
)  # fmt: skip
"""The functions that may be applied to a quantity."""
CLIP_BOUNDS = (0.5, 1, 2, 3, 5, 6, 8, 10, 15, 20, 30, 50, 88, 100)
STATES = ("xt", "a_prev", "c_prev")


def candidates(case: Steps, target: str) -> Iterator[tuple[float, Replacement]]:
    """The replacements to try for a result, each with its cost: the simpler, the cheaper."""
    place = case.place_of(target)
    graph = place.quantities
    nodes = _nodes(place, target)
    implied = _implied_values(case, target)
    for depth, node in enumerate(nodes):
        cost = 0.0 if node == target else 0.5 + 0.03 * depth
        operation, operands = graph.operation(node)
        for name in OF_VALUE:
            yield cost + (0.3 if name == "zero" else 0.9), Replacement(node, function=name)
        for name, (_, numbers) in MAPS.items():
            if node[0] not in "Wb" or name not in OVER_TIME:
                yield from ((cost + 1.1 + 0.01 * by, Replacement(node, map=name, by=by)) for by in numbers)
        for name in OF_ARGUMENT if operation in ACTIVATIONS else ():
            yield cost + 0.7, Replacement(node, source=operands[0], function=name)
        for source in _sources(place, target, nodes):
            if source != node and _have_equal_rows(place, source, node):
                yield cost + 0.6, Replacement(node, source=source)
                yield cost + 1.5, Replacement(node, source=source, function="multiplied")
                for name in NUMBERS if node in implied else ():
                    values = implied[node], place.look(node), place.look(source)
                    if k := _number_of(name, *values):
                        yield cost + 1.5, Replacement(node, source=source, function=name, number=k)
                if node in (target, *STATES, *GATES.values()):
                    for name in ("one minus", "tanh", "sigmoid"):
                        yield cost + 1.4, Replacement(node, source=source, function=name)
                    for name in OVER_TIME:
                        yield cost + 1.3, Replacement(node, source=source, map=name, by=MAPS[name][1][0])
        if node in implied:
            now, wanted = place.look(node), implied[node]
            if operation == "softmax" and (k := _common(np.minimum(wanted, 1 - wanted))):
                yield cost + 0.85, Replacement(node, function="clipped to [k, 1 - k]", number=k)
            for name, found in _numbers(np.broadcast_to(now, wanted.shape), wanted):
                is_relu = name == "at least" and found == 0
                # A gate near 0 or 1 implies its argument roughly, so a rounder number is tried first.
                for number in dict.fromkeys((_with_few_digits(found, ROUNDER), found)):
                    yield cost + (0.95 if is_relu else 0.85), Replacement(node, function=name, number=number)
        if node not in implied or node == target:
            yield from ((cost + 1.6, Replacement(node, function="clipped", number=k)) for k in CLIP_BOUNDS)


def _nodes(place: Place, target: str) -> list[str]:
    """`target`, and the quantities from which it is computed, down to the known ones."""
    found: list[str] = []
    left = [target]
    while left:
        name = left.pop(0)
        if name not in found:
            found.append(name)
            if name == target or name not in place.known:
                left.extend(place.quantities.operation(name)[1])
    return found


def _sources(place: Place, target: str, nodes: Sequence[str]) -> list[str]:
    """The quantities that may stand in place of others, also those that `target` does not need."""
    others = [name for name in (*STATES, *RESULTS, "tanh(c_next)") if place.quantities.sources(name) - {name}]
    every = dict.fromkeys((*STATES, *nodes, *others))
    return [name for name in every if name != target and name[0] not in "Wb"]


def _have_equal_rows(place: Place, one: str, other: str) -> bool:
    try:
        return place.look(one).shape == place.look(other).shape
    except (KeyError, ValueError):
        return False


def _implied_values(case: Steps, target: str) -> Mapping[str, Array]:
    """For each quantity, the values with which the equation gives the shown wrong values; NaN elsewhere."""
    place = case.place_of(target)
    found = {target: np.where(case.wrong(target), case.shown[target], np.nan)}
    left = [target]
    with np.errstate(all="ignore"):
        while left:
            name = left.pop(0)
            if name in place.known and name != target:
                continue
            operation, operands = place.quantities.operation(name)
            value = found[name]
            if operation == "tanh":
                found[operands[0]] = np.arctanh(value)
            elif operation == "sigmoid":
                found[operands[0]] = np.log(value / (1 - value))
            elif operation in ("plus", "times"):
                for one, other in (operands, operands[::-1]):
                    known = place.look(other)
                    found[one] = value - known if operation == "plus" else value / known
            else:
                continue
            left += [each for each in operands if each in found]
    return found


def _numbers(now: Array, wanted: Array) -> Iterator[tuple[str, float]]:
    """Functions with a number, if most of the wanted values imply the same number."""
    with np.errstate(all="ignore"):
        smaller = np.where(np.abs(wanted) < np.abs(now), np.abs(wanted), np.nan)
        every = {
            "constant": wanted,
            "clipped": smaller,
            "at most": np.where(wanted < now, wanted, np.nan),
            "at least": np.where(wanted > now, wanted, np.nan),
            "times": wanted / now,
            "plus": wanted - now,
        }
    for name, numbers in every.items():
        if (number := _common(numbers)) is not None:
            yield name, number


def _number_of(name: str, wanted: Array, now: Array, source: Array) -> float | None:
    """The number with which a combination of `now` and another quantity is wanted."""
    with np.errstate(all="ignore"):
        return _common(NUMBERS[name](wanted, now, source))


def _common(numbers: Array) -> float | None:
    """The number that most of these finite numbers are; `None` if there is none."""
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < 2:
        return None
    number = float(np.median(numbers))
    near = np.abs(numbers - number) <= 1e-6 * abs(number) + 1e-300
    return _with_few_digits(number) if near.sum() > max(len(numbers) / 2, 1) else None


ROUNDER = 1e-3
"""The relative difference of a number from a rounder one that is tried, too."""


def _with_few_digits(number: float, tolerance: float = 1e-7) -> float:
    """The number with the fewest digits that equals `number` up to a relative tolerance."""
    for digits in range(1, 8):
        plain = float(f"{number:.{digits}g}")
        if abs(plain - number) <= tolerance * abs(number) + 1e-12:
            return plain
    return number


LEAST_EVIDENCE = 3
"""The smallest number of elements that show a replacement: they are clearly wrong, and have its value."""
LARGEST_MISFIT = 0.002
"""The largest part of the wrong elements that may have other values, as ties may round the other way."""


def fits(cases: Sequence[Steps], target: str, replacement: Replacement, least: int = 0) -> bool:
    """Whether a replacement gives all wrong elements of `target`; at least `least` are clearly wrong."""
    matched = failed = 0
    for case in cases:
        found = replacement.result(case.place_of(target), target)
        if found is None:
            return False
        wrong = case.wrong(target)
        found = found[wrong]
        shown, right, tolerance = (
            array[wrong] for array in (case.shown[target], case.right[target], case.tolerance(target))
        )
        with np.errstate(all="ignore"):
            same = (
                (np.abs(found - shown) <= tolerance) | (np.isnan(found) & np.isnan(shown)) | (found == shown)
            )
            is_clear = ~(np.abs(shown - right) <= 3 * tolerance)
        matched, failed = matched + int((same & is_clear).sum()), failed + int((~same).sum())
        if failed > max(LARGEST_MISFIT * matched, 1 if matched > 50 else 0):
            return False
    return matched >= least


def fitting_replacements(cases: Sequence[Steps], target: str, most: int) -> list[Replacement]:
    """The replacements that give all wrong elements of `target`, the simplest first; some must be wrong."""
    cases = [case for case in cases if case.wrong(target).any()]
    cases.sort(key=lambda case: (case.wrong(target).sum() < 4, case.shown[target].size))
    few = cases[: max(len(cases) // 2, 8)][:: -(-len(cases) // 16)]
    every = sorted((pair for case in few[:2] for pair in candidates(case, target)), key=lambda pair: pair[0])
    fitting = (
        each
        for each in dict.fromkeys(each for _, each in every)
        if fits(few, target, each, LEAST_EVIDENCE) and fits(cases, target, each, LEAST_EVIDENCE)
    )
    return [*islice(fitting, most)]


def unchanged(case: Steps, target: str, replacement: Replacement) -> Array:
    """For each element of `target`, whether the replacement gives the right value."""
    found, right = replacement.result(case.place_of(target), target), case.right[target]
    if found is None:
        return np.zeros(right.shape, bool)
    with np.errstate(all="ignore"):
        limit = np.maximum(4 * case.allowed[target], case.tolerance(target) / 8)
        return np.asarray(np.broadcast_to(np.abs(found - right) <= limit, right.shape))
