"""A run of the tests takes a quarter of the cases and each group; four runs take all."""

import pytest

from oracle.tests.quarter import VARIABLE, chosen

CASES = [f"{letter}{number}" for letter in "abc" for number in range(7)]


def taken(quarter: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv(VARIABLE, quarter)
    return chosen(CASES, lambda case: case[0])


@pytest.mark.parametrize("quarter", ["0", "1", "2", "3"])
def test_a_quarter_is_every_fourth_case_and_the_first_of_each_group(
    quarter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {*CASES[int(quarter) :: 4], "a0", "b0", "c0"}
    assert taken(quarter, monkeypatch) == [case for case in CASES if case in expected]


def test_all_are_all_and_nothing_is_the_first_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    assert taken("all", monkeypatch) == CASES
    first = taken("0", monkeypatch)
    monkeypatch.delenv(VARIABLE)
    assert chosen(CASES, lambda case: case[0]) == first


def test_anything_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="RNN_CROSSCHECK_QUARTER is '4', expected 0, 1, 2, 3 or all"):
        taken("4", monkeypatch)
