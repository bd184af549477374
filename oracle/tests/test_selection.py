"""Of the tests that lack a package one is skipped, and a run takes parts of what takes long."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from oracle.tests.selection import VARIABLE, chosen, needs, pytest_collection_modifyitems


class Item:
    """A collected test, with its marks."""

    def __init__(self, *marks: pytest.MarkDecorator, nodeid: str = "") -> None:
        self.marks = list(marks)
        self.nodeid = nodeid

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        return [each.mark for each in self.marks if each.mark.name == name]

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        return next(iter(self.iter_markers(name)), None)

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks.append(mark)


def collected(items: list[Any]) -> list[Item]:
    """What is left out of the items, which become those that are left."""
    left_out: list[Item] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: left_out.extend(items))
    pytest_collection_modifyitems(SimpleNamespace(hook=hook), items)  # type: ignore[arg-type]
    return left_out


def reasons(items: Sequence[Item]) -> list[str]:
    return [mark.kwargs["reason"] for item in items for mark in item.iter_markers("skip")]


def test_one_test_is_skipped_for_each_package_that_is_not_there() -> None:
    absent, other = needs("no_such_package", "such"), needs("nor_this_one")
    first, second, third = Item(absent), Item(absent), Item(other)
    here = Item(needs("numpy"))
    items = [here, first, second, third]
    assert collected(items) == [second]
    assert items == [here, first, third]
    told = [
        "no_such_package is not installed: pip install -e '.[such]' (tests that need it: 2)",
        "nor_this_one is not installed: pip install nor_this_one",
    ]
    assert reasons(items) == told
    assert collected(items) == []  # as by the conftest.py of another room
    assert reasons(items) == told


CASES = [f"{letter}{number}" for letter in "abc" for number in range(7)]


def taken(sixth: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv(VARIABLE, sixth)
    return chosen(CASES, lambda case: case[0])


@pytest.mark.parametrize("sixth", range(6))
def test_a_sixth_of_the_slow_tests_is_taken_and_all_are_in_one(
    sixth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = {f"{number}": Item(pytest.mark.slow, nodeid=str(number)) for number in range(60)}

    def taken_in(sixth: int) -> set[str]:
        monkeypatch.setenv(VARIABLE, str(sixth))
        items = [*slow.values()]
        collected(items)
        return {item.nodeid for item in items}

    assert 0 < len(taken_in(sixth)) < 30
    assert {*slow} == set[str]().union(*map(taken_in, range(6)))


@pytest.mark.parametrize("sixth", ["0", "1", "5"])
def test_a_sixth_is_every_sixth_case_and_the_first_of_each_group(
    sixth: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {*CASES[int(sixth) :: 6], "a0", "b0", "c0"}
    assert taken(sixth, monkeypatch) == [case for case in CASES if case in expected]


def test_all_are_all_and_nothing_is_the_first_sixth(monkeypatch: pytest.MonkeyPatch) -> None:
    assert taken("all", monkeypatch) == CASES
    first = taken("0", monkeypatch)
    monkeypatch.delenv(VARIABLE)
    assert chosen(CASES, lambda case: case[0]) == first


def test_anything_else_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match="RNN_CROSSCHECK_SIXTH is '6', expected a number from 0 to 5, or all"
    ):
        taken("6", monkeypatch)
