"""Of the tests that lack a package one is skipped, with what installs it; the others are left out."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from oracle.tests.needed import needs, pytest_collection_modifyitems


class Item:
    """A collected test, with its marks."""

    def __init__(self, *marks: pytest.MarkDecorator) -> None:
        self.marks = list(marks)

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
