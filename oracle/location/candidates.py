"""Lists the replacements to try, each with its cost. Their numbers come from lists or from shown values."""

from collections.abc import Iterator, Sequence

import numpy as np

from oracle.location.equations import ACTIVATIONS
from oracle.location.facts import Replacement
from oracle.location.observations import EquationCase, Observation
from oracle.location.replacements import ARGUMENT_FUNCTIONS, INDEX_MAPS, NUMBERED_FUNCTIONS, PLAIN_FUNCTIONS
from reference.contract import Array

CLIP_BOUNDS = (0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 25, 30, 40, 50, 60, 80, 88, 100, 500, 700)
ROUNDING_UNITS = (*(10.0**-k for k in range(1, 13)), *(2.0**-k for k in range(1, 25)), 1 / 127, 1 / 255)
TRIED_NUMBERS = (("multiples", ROUNDING_UNITS, 1.0), ("clipped", CLIP_BOUNDS, 1.1))
"""Functions with a number that a programmer chooses (a bound, a unit): the numbers to try, and the cost."""
SHOWN_TERMS = ("xt", "a_prev", "c_prev", "ft", "it", "cct", "ot", "c_next", "a_next", "yt_pred", "a0", "c0")
COMPUTED_TERMS = ("ft * c_prev", "it * cct", "tanh(c_next)", "z", "zf", "zi", "zc", "zo", "logits")
"""Nodes that may replace other nodes: nodes that a program can show, and computed nodes."""


def _nodes_of_equation(observation: Observation, target: str) -> list[str]:
    """`target`, and the nodes from which it is computed, up to the nodes with known values."""
    found: list[str] = []
    left, nodes = [target], observation.nodes
    while left:
        name = left.pop(0)
        if name not in found:
            found.append(name)
            is_computed = name in nodes and (name == target or name not in observation.known)
            if is_computed and nodes[name][0] != "before":
                left.extend(nodes[name][1])
    return found


def candidates(cases: Sequence[EquationCase]) -> Iterator[tuple[float, Replacement]]:
    """The replacements to try for an equation, each with its cost."""
    observation, target = cases[0].observation, cases[0].target
    implied = _implied_values(cases[0])
    every = _nodes_of_equation(observation, target)
    terms = [name for name in SHOWN_TERMS if name in observation.known]
    terms += [name for name in (*every, *COMPUTED_TERMS) if name in observation.nodes and name not in terms]
    terms = [name for name in terms if name != target]
    yield 0.95, Replacement(target, source="shown", map="step back", by=1)  # the value shown a step before
    for depth, node in enumerate(every):
        depth_cost = 0.0 if node == target else 0.5 + 0.03 * depth
        for name, (_, cost) in PLAIN_FUNCTIONS.items():
            yield depth_cost + cost, Replacement(node, function=name)
        for name, (_, numbers, cost) in INDEX_MAPS.items():
            for rank, by in enumerate(numbers):
                yield depth_cost + cost + 0.01 * rank, Replacement(node, map=name, by=by)
        operation, operands = observation.nodes.get(node, ("", ()))
        for name, (_, cost) in ARGUMENT_FUNCTIONS.items() if operation in ACTIVATIONS else ():
            yield depth_cost + cost, Replacement(node, source=operands[0], function=name)
        for factor in (0.5, 2.0, 0.1, 10.0) if operation == "softmax" else ():
            yield depth_cost + 1.4, Replacement(operands[0], function="times", number=factor)
        for source in terms:
            if source != node and _same_shape(observation, target, source, node):
                yield depth_cost + 0.6, Replacement(node, source=source)
                if node == target or node in ("a_prev", "c_prev", "it", "ft", "xt"):
                    for name in ("one minus", "tanh", "sigmoid"):
                        yield depth_cost + 1.4, Replacement(node, source=source, function=name)
                    for name in ("step back", "first step", "last step", "step back, at least the first"):
                        for by in INDEX_MAPS[name][1]:
                            other = Replacement(node, source=source, map=name, by=by)
                            yield depth_cost + 1.3 + 0.01 * by, other
        if node in implied:
            yield from _replacements_with_numbers(cases, node, depth_cost, terms)
        elif node in observation.known or node in observation.nodes:
            for name, tried, _ in TRIED_NUMBERS:
                for k in map(float, tried):
                    yield depth_cost + 1.6, Replacement(node, function=name, number=k)


def _same_shape(observation: Observation, target: str, source: str, node: str) -> bool:
    """Whether two nodes have values with the same number of rows and the same number of axes."""
    try:
        one, other = (observation.value(name, target) for name in (source, node))
    except KeyError:
        return False
    return len(one) == len(other) and one.ndim == other.ndim


def _implied_values(case: EquationCase) -> dict[str, Array]:
    """For each node, the values with which the equation gives the shown wrong values; NaN elsewhere."""
    observation, target = case.observation, case.target
    check = observation.checks[target]
    found = {target: np.where(check.wrong & check.visible, check.shown, np.nan)}
    left = [target]
    with np.errstate(all="ignore"):
        while left:
            name = left.pop(0)
            if name not in observation.nodes or (name in observation.known and name != target):
                continue
            operation, operands = observation.nodes[name]
            value = found[name]
            if operation == "tanh":
                found[operands[0]] = np.arctanh(value)
            elif operation == "sigmoid":
                found[operands[0]] = np.log(value / (1 - value))
            elif operation in ("same", "relu"):
                found[operands[0]] = value
            elif operation in ("sum", "times"):
                values = [observation.value(each, target) for each in operands]
                for k, each in enumerate(operands):
                    others = [v for i, v in enumerate(values) if i != k]
                    for other in others:
                        value = value - other if operation == "sum" else value / other
                    if values[k].shape == value.shape:
                        found[each] = value
                    value = found[name]
            else:
                continue
            left += [each for each in operands if each in found]
    return found


def _replacements_with_numbers(
    cases: Sequence[EquationCase], node: str, depth_cost: float, terms: Sequence[str]
) -> Iterator[tuple[float, Replacement]]:
    """Replacements with a number, if most elements of the first answers imply the same number."""
    now, wanted = _right_and_implied(cases, node)
    if len(now) < 2:
        return
    with np.errstate(all="ignore"):
        from_edge, right_from_edge = np.minimum(wanted, 1 - wanted), np.minimum(now, 1 - now)
        for name, numbers, cost in (
            ("constant", wanted, 0.8),
            ("clipped", np.where(np.abs(wanted) < np.abs(now), np.abs(wanted), np.nan), 0.7),
            ("between", np.where(right_from_edge < from_edge, from_edge, np.nan), 0.95),
            ("times", wanted / now, 0.9),
            ("plus", wanted - now, 1.0),
        ):
            number = _common_number(numbers)
            if number is not None:
                yield depth_cost + cost, Replacement(node, function=name, number=number)
    for name, tried, cost in TRIED_NUMBERS:
        for k in map(float, tried):
            if _mostly_equal(NUMBERED_FUNCTIONS[name](now, k), wanted):
                yield depth_cost + cost, Replacement(node, function=name, number=k)
    for term in terms:
        if term != node and _same_shape(cases[0].observation, cases[0].target, term, node):
            yield from _replacements_with_terms(cases, node, term, depth_cost)


def _right_and_implied(cases: Sequence[EquationCase], node: str, term: str = "") -> tuple[Array, ...]:
    """The right values of a node, the implied values, and the values of the term, for the same elements."""
    parts = []
    for case in cases[:4]:
        check = case.check
        wanted = _implied_values(case).get(node)
        if wanted is None:
            continue
        arrays = [case.observation.value(node, case.target), wanted]
        if term:
            arrays.append(np.broadcast_to(case.observation.value(term, case.target), check.shown.shape))
        is_finite = np.isfinite(wanted)
        parts.append([np.broadcast_to(each, wanted.shape)[is_finite][:60] for each in arrays])
    if not parts:
        return (np.zeros(0),) * (2 + bool(term))
    return tuple(np.concatenate(each) for each in zip(*parts, strict=True))


def _replacements_with_terms(
    cases: Sequence[EquationCase], node: str, term: str, depth_cost: float
) -> Iterator[tuple[float, Replacement]]:
    """The replacement `number * node + share * term`, if least squares give numbers that fit."""
    try:
        now, wanted, other = _right_and_implied(cases, node, term)
    except ValueError:
        return
    A = np.stack([now, other], axis=1)
    if len(now) < 6 or not np.isfinite(A).all():
        return
    (a, b), _, rank, _ = np.linalg.lstsq(A, wanted, rcond=None)
    a, b = _fewest_digits_near(float(a)), _fewest_digits_near(float(b))
    if rank == 2 and b and _mostly_equal(a * now + b * other, wanted, 1e-6):
        simple = 0.0 if a in (0, 1) and abs(b) in (0, 1) else 0.6
        function, number = ("", 0.0) if a == 1 else ("times", a)
        replacement = Replacement(node, function=function, number=number, other=term, share=b)
        yield depth_cost + 1.0 + simple, replacement


def _common_number(numbers: Array) -> float | None:
    """The number that most elements have, with as few digits as possible; `None` if there is none."""
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < 2:
        return None
    number = float(np.median(numbers))
    near = np.abs(numbers - number) <= 1e-6 * abs(number) + 1e-300
    return _fewest_digits_near(number) if near.sum() > max(len(numbers) / 2, 1) else None


def _fewest_digits_near(number: float) -> float:
    """The number with the fewest digits that equals `number` up to rounding."""
    for digits in range(1, 8):
        plain = float(f"{number:.{digits}g}")
        if abs(plain - number) <= 1e-7 * abs(number) + 1e-12:
            return plain
    return number


def _mostly_equal(found: Array, wanted: Array, tolerance: float = 1e-4) -> bool:
    """Whether most elements are equal, but for the rounding error of an inverse activation."""
    with np.errstate(all="ignore"):
        return bool(np.mean(np.abs(found - wanted) <= tolerance * (np.abs(wanted) + 1e-12)) > 0.5)
