"""What is known of a failure is data until it is shown: nothing reads a sentence to decide."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READERS = [
    *(ROOT / "explanations" / f"{name}.py" for name in ("explanation", "failure", "inheritance")),
    *(
        ROOT / "reports" / f"{name}.py"
        for name in ("run_end", "mistakes", "html_report", "results", "closing_table")
    ),
]
"""The modules that decide by findings and facts."""

OF_TEXT = {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "find"}
RENDERED = {"words", "title", "lines", "diagnosis", "message", "sentence"}
"""Attributes that hold a sentence."""


def decisions_by_text(source: str) -> Iterator[str]:
    """Each place in a module where text is taken apart, matched or compared."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(name.name == "re" for name in node.names):
            yield "import re"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in OF_TEXT:
            yield ast.unparse(node)
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Attribute) and side.attr in RENDERED for side in sides):
                yield ast.unparse(node)


@pytest.mark.parametrize("file", READERS, ids=lambda file: file.stem)
def test_no_sentence_is_read_to_decide(file: Path) -> None:
    assert [*decisions_by_text(file.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize(
    "source",
    [
        "import re",
        "line.startswith('wrong where')",
        "case.words == 'bf is left out'",
        "'caches' in result.message",
    ],
)
def test_a_decision_by_text_is_seen(source: str) -> None:
    assert [*decisions_by_text(source)] == [source]
