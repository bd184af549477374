"""The benchmark of locations fails if too few locations are right."""

from benchmarks.strangers import Result, shortfalls
from oracle.tests.strangers.predictions import Verdict

RIGHT = Result("fa", Verdict("right", "right", "right"))
WITHOUT_HOW = Result("zz", Verdict("right", "right", "left out"))


def test_parts_that_are_right_too_rarely_are_named() -> None:
    others = [WITHOUT_HOW] * 7 + [Result("zz", RIGHT.verdict)] * 3
    assert shortfalls([RIGHT, *others, Result("zz")]) == []  # three of ten may be chance
    assert shortfalls([RIGHT, *others * 4]) == ["others: how is right for 12 of 40, expected 57%"]
