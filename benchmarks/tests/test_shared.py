"""Tables in Markdown, and the marks around the measured parts of a page."""

import pytest

from benchmarks.shared import table, updated


def test_a_column_of_numbers_is_aligned_to_the_right() -> None:
    rows = [["a", "1,000", "0.5", "1"], ["b", "—", "7%", "one"]]
    assert table(["name", "n", "share", "words"], rows).splitlines() == [
        "| name | n | share | words |",
        "| --- | --: | --: | --- |",
        "| a | 1,000 | 0.5 | 1 |",
        "| b | — | 7% | one |",
    ]


def test_only_text_between_the_marks_is_replaced() -> None:
    page = "# Title\n<!-- one -->\nold\n<!-- end -->\ntext\n<!-- two -->\n<!-- end -->\nlast\n"
    found = updated(page, {"two": "second", "one": "first"})
    assert found == (
        "# Title\n<!-- one -->\nfirst\n<!-- end -->\ntext\n<!-- two -->\nsecond\n<!-- end -->\nlast\n"
    )
    assert updated(found, {"one": "first"}) == found


def test_a_page_without_the_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="the page has no line <!-- one -->"):
        updated("text\n", {"one": "first"})
