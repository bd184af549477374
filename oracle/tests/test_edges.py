"""The page on the edges says what is so."""

from pathlib import Path

import pytest
import torch

from oracle.edges import page

PAGE = Path(__file__).parents[2] / "docs" / "edges.md"


def test_the_page_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    version = ".".join(torch.__version__.split(".")[:2])
    if f"with torch {version};" not in text:
        pytest.skip(f"the page is of another torch than {version}")
    assert text == page(), "write it anew: python -m oracle.edges > docs/edges.md"
