"""A function of a known kind with other numbers in the place of an activation: `A f(B z) + C`."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from oracle.location.how.activation.pairs import Function, Pairs
from oracle.location.how.fitting import least_squares, rounded
from reference.contract import Array

FUNCTIONS: Mapping[str, tuple[Function, Function]] = {
    "tanh({})": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "({0}) / (1 + |{0}|)": (lambda z: z / (1 + np.abs(z)), lambda z: 1 / (1 + np.abs(z)) ** 2),
    "arctan({})": (np.arctan, lambda z: 1 / (1 + z * z)),
    "({0}) / sqrt(1 + ({0})^2)": (lambda z: z / np.sqrt(1 + z * z), lambda z: (1 + z * z) ** -1.5),
    "sin({})": (np.sin, np.cos),
    "exp({})": (np.exp, np.exp),
    "log(1 + exp({}))": (lambda z: np.logaddexp(0, z), lambda z: 1 / (1 + np.exp(-z))),
}
"""In words, with their derivatives; the sigmoid is a tanh."""

START = np.geomspace(0.1, 10, 41)
"""Factors of the argument with which the search begins."""

STEPS = 12
"""Of Gauss and Newton's method, which doubles the right digits in each (Nocedal and Wright, chapter 10)."""


def scaled(pairs: Pairs) -> tuple[str, Function] | None:
    """The first kind that gives all that is shown, with the numbers that do."""
    for words, (function, slope) in FUNCTIONS.items():
        numbers = _fitted(pairs, function, slope)
        found = partial(_scaled, function, *numbers)
        told = np.isfinite(numbers).all() and _are_told(pairs, function, numbers)
        if told and pairs.are_given_by(found, 1e-12 * (1 + np.abs(numbers[0]))):
            return _in_words(words, pairs.name, *map(rounded, numbers)), found
    return None


def _are_told(pairs: Pairs, function: Function, numbers: Array) -> bool:
    """Whether the arguments go far enough to tell the function from a line, and its factor from another."""
    A, B, C = numbers
    near = partial(_scaled, function, A, 1.01 * B, C)
    return bool(np.abs(B * pairs.z).max() > 1) and not pairs.are_given_by(near)


def _scaled(function: Function, A: float, B: float, C: float, z: Array) -> Array:
    return np.asarray(A * function(B * z) + C)


def _fitted(pairs: Pairs, function: Function, slope: Function) -> Array:
    """`A`, `B` and `C` by least squares: the best `B` of some, then made better; NaN where none is found."""
    z, shown = (part[:: max(len(pairs.z) // 200, 1)] for part in (pairs.z, pairs.shown))
    ones = np.ones_like(z)

    def off(B: float) -> tuple[float, Array]:
        matrix = np.stack([function(B * z), ones], axis=1)
        factors, _ = least_squares(matrix, shown)
        return float(np.abs(matrix @ factors - shown).sum()), factors

    tried = [(total, B) for B in START if np.isfinite(total := off(B)[0])]
    if not tried:
        return np.full(3, np.nan)
    _, best = min(tried)
    A, C = off(best)[1]
    numbers = np.array([A, best, C])
    for _ in range(STEPS):
        A, B, C = numbers
        jacobian = np.stack([function(B * z), A * z * slope(B * z), ones], axis=1)
        step, _ = least_squares(jacobian, shown - (A * function(B * z) + C))
        numbers = numbers + step
    return numbers


def _in_words(words: str, name: str, A: float, B: float, C: float) -> str:
    if B < 0 and not words.startswith(("exp", "log")):
        A, B = -A, -B
    if words.startswith("tanh") and np.isclose(abs(A), C, rtol=1e-9, atol=0):
        words, A, B, C = "1 / (1 + exp({}))", 2 * abs(A), -2 * B * np.sign(A), 0.0
    argument = {1.0: name, -1.0: f"-{name}"}.get(B, f"{B:.6g} {name}")
    times = "" if A == 1 else "-" if A == -1 else f"{A:.6g} "
    added = "" if abs(C) < 1e-9 else f" {'-' if C < 0 else '+'} {abs(C):.6g}"
    return f"{times}{words.format(argument)}{added}"
