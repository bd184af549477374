"""Forty rare mistakes: `lstm_forward` is the reference's, but wrong under one condition.

Each condition is an expression of the arguments and the answer. `before` has the arguments of earlier calls
in the same process. A target is a file, so that its source has the constants of its condition.
"""

from collections.abc import Mapping
from pathlib import Path

CONDITIONS: Mapping[str, Mapping[str, str]] = {
    "constant": {
        "n_a is 37": "n_a == 37",
        "n_x is 23": "n_x == 23",
        "n_y is 11": "n_y == 11",
        "m is 50": "m == 50",
        "T_x is 73": "T_x == 73",
        "n_a is 100": "n_a == 100",
        "m * T_x is 96": "m * T_x == 96",
        "n_a + n_x is 47": "n_a + n_x == 47",
        "n_a is 48 and m above 1": "n_a == 48 and m > 1",
        "T_x is divisible by 29": "T_x % 29 == 0",
    },
    "relation of sizes": {
        "n_a is m, above 2": "n_a == m > 2",
        "n_x is n_y": "n_x == n_y",
        "n_a is twice n_x": "n_a == 2 * n_x",
        "n_a is T_x": "n_a == T_x",
        "m is T_x, above 3": "m == T_x > 3",
        "n_x, n_a and n_y are equal": "n_x == n_a == n_y",
        "n_a is above 8 n_x": "n_a > 8 * n_x",
        "n_y is above n_a + n_x": "n_y > n_a + n_x",
        "m is above n_a * n_x": "m > n_a * n_x",
        "T_x is above 20 m": "T_x > 20 * m",
    },
    "threshold": {
        "T_x is above 300": "T_x > 300",
        "T_x is above 1000": "T_x > 1000",
        "m is above 256": "m > 256",
        "n_a is above 130": "n_a > 130",
        "n_y is above 150": "n_y > 150",
        "T_x and n_a are above 20": "T_x > 20 and n_a > 20",
        "a memory state is above 100": "abs(c).max(initial=0) > 100",
        "an input is above 500": "abs(x).max(initial=0) > 500",
        "an input is a whole number above 1": "((x == np.round(x)) & (x > 1)).any()",
        "an input is -0.0": "(np.signbit(x) & (x == 0)).any()",
    },
    "history": {
        "the call before had more samples": "before and before[-1][0].shape[1] > m",
        "the call before had fewer steps": "before and before[-1][0].shape[2] < T_x",
        "the call before had the same sizes": "before and before[-1][0].shape == x.shape",
        "the third call with these sizes": "sum(each[0].shape == x.shape for each in before) == 2",
        "the call before had the same inputs": "before and np.array_equal(before[-1][0], x)",
        "the 30th call": "len(before) == 29",
        "two successive inputs are equal": "(x[:, :, 1:] == x[:, :, :-1]).all(axis=0).any()",
        "all inputs of a step are 0": "(x == 0).all(axis=(0, 1)).any() and x.size",
        "a unit is above 0.99 for 10 steps": "longest(a > 0.99) >= 10",
        "a memory state grows for 20 steps": "longest(np.diff(c) > 0) >= 20",
    },
}
"""The conditions of each kind, in words and in Python."""

MISTAKES: Mapping[str, str] = {
    words: text for of_kind in CONDITIONS.values() for words, text in of_kind.items()
}

_SOURCE = """
import numpy as np
from reference import lstm_forward as right

before = []


def longest(holds):
    runs = longest_run = np.zeros(holds.shape[:2])
    for t in range(holds.shape[2]):
        runs = (runs + 1) * holds[:, :, t]
        longest_run = np.maximum(longest_run, runs)
    return longest_run.max(initial=0)


def lstm_forward(x, a0, parameters):
    a, y, c, caches = right(x, a0, parameters)
    (n_x, m, T_x), n_a, n_y = x.shape, len(a0), len(y)
    if {condition}:
        a[:, -1:, -1] = 0.999 * a[:, -1:, -1] + 0.0001
    before.append((x.copy(), a0.copy()))
    return a, y, c, caches
"""


def write_target(condition: str, file: Path) -> None:
    """Write a target that is wrong under a condition, which is a Python expression."""
    file.write_text(_SOURCE.format(condition=condition), encoding="utf-8")
