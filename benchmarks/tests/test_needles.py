"""Each rare mistake shows under its condition only, and the plain test can find it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import reference
from benchmarks.needle_targets import CONDITIONS, MISTAKES, write_target
from benchmarks.needles import plain_test
from oracle.problems.problem import Problem

USUAL: dict[str, Any] = {"n_x": 3, "n_a": 4, "n_y": 2, "m": 1, "T_x": 2}
SHOWN: dict[str, dict[str, Any]] = {
    "n_a is 37": {"n_a": 37},
    "m * T_x is 96": {"m": 6, "T_x": 16},
    "T_x is divisible by 29": {"T_x": 58},
    "n_a is m, above 2": {"m": 4},
    "n_a is above 8 n_x": {"n_x": 1, "n_a": 9},
    "T_x is above 1000": {"T_x": 1001},
    "a memory state is above 100": {"regime": "counting", "T_x": 300},
}


def target(condition: str, folder: Path) -> Any:
    """The function of a target with a mistake."""
    write_target(condition, folder / "needle.py")
    namespace: dict[str, Any] = {}
    exec((folder / "needle.py").read_text(encoding="utf-8"), namespace)
    return namespace["lstm_forward"]


def is_wrong(function: Any, **sizes: Any) -> bool:
    """Whether a function returns other states than the reference."""
    arguments = Problem.lstm(**{**USUAL, "seed": 1, **sizes}).arguments("lstm_forward")
    return not np.array_equal(function(*arguments)[0], reference.lstm_forward(*arguments)[0])


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_does_not_show_on_the_usual_problem(mistake: str, tmp_path: Path) -> None:
    assert not is_wrong(target(MISTAKES[mistake], tmp_path))


@pytest.mark.parametrize("mistake", SHOWN)
def test_a_mistake_shows_under_its_condition(mistake: str, tmp_path: Path) -> None:
    assert is_wrong(target(MISTAKES[mistake], tmp_path), **SHOWN[mistake])


def test_a_mistake_shows_after_earlier_calls(tmp_path: Path) -> None:
    function = target(CONDITIONS["history"]["the third call with these sizes"], tmp_path)
    assert [is_wrong(function) for _ in range(4)] == [False, False, True, False]


def test_there_are_forty_mistakes_ten_of_each_kind() -> None:
    assert [*map(len, CONDITIONS.values())] == [10] * 4
    assert len(MISTAKES) == 40


def test_the_plain_test_finds_a_mistake_and_accepts_the_reference(tmp_path: Path) -> None:
    plain_test(reference.lstm_forward, examples=3)()
    calls = list[None]()
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        plain_test(target("n_a > 2", tmp_path), 100, lambda: calls.append(None))()
    assert calls
