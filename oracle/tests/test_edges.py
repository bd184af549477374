"""The page on the edges says what is so."""

import re

import torch

from benchmarks.edges import PAGE, parts
from benchmarks.shared import updated


def without_torch(text: str) -> list[str]:
    """The lines without what torch says, which are the last two columns of every table, and its version."""
    return [re.sub(r"with torch [\d.]+", "", line.rsplit(" | ", 2)[0]) for line in text.splitlines()]


def test_the_page_is_current() -> None:
    """In full with the torch that it names; with another, in all that does not come from torch."""
    text = PAGE.read_text(encoding="utf-8")
    today = updated(text, parts())
    version = ".".join(torch.__version__.split(".")[:2])
    write = "write it anew: python -m benchmarks.edges"
    assert without_torch(text) == without_torch(today), write
    assert text == today or f"with torch {version}." not in text, write
