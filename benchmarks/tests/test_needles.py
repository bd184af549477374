"""Each rare mistake shows under its condition only, and the plain test can find it."""

from typing import Any

import numpy as np
import pytest

import reference
from benchmarks import needle_targets
from benchmarks.needles import MISTAKES, plain_test
from oracle.problems.problem import Problem

USUAL: dict[str, Any] = {"n_x": 1, "n_a": 2, "n_y": 2, "m": 1, "T_x": 2}
CONDITIONS: dict[str, dict[str, Any]] = {
    "no_samples": {"m": 0},
    "square": {"m": 2},
    "large_logits": {},
    "wide_and_long": {"n_a": 37, "T_x": 101},
}


def is_wrong(mistake: str, arguments: list[Any]) -> bool:
    """Whether a target raises `ValueError`, or returns other states or predictions than the reference."""
    try:
        answer = getattr(needle_targets, mistake).lstm_forward(*arguments)
    except ValueError:
        return True
    right = reference.lstm_forward(*arguments)
    return not all(map(np.array_equal, answer[:2], right[:2]))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_shows_under_its_condition_only(mistake: str) -> None:
    assert not is_wrong(mistake, Problem.lstm(**USUAL, seed=1).arguments("lstm_forward"))
    arguments = Problem.lstm(**{**USUAL, **CONDITIONS[mistake]}, seed=1).arguments("lstm_forward")
    if mistake == "large_logits":
        arguments[2]["by"] = arguments[2]["by"] + 1000
    assert is_wrong(mistake, arguments)


def test_the_plain_test_finds_a_mistake_and_accepts_the_reference() -> None:
    plain_test(reference.lstm_forward, examples=3)
    with pytest.raises(ValueError, match="zero-size array"):
        plain_test(needle_targets.no_samples.lstm_forward, examples=100)
