"""What GitHub shows of a run: a table in Markdown, and annotations, of text that a target chooses."""

import re
from typing import Any

from properties.reports.github import annotations, summary
from properties.tests.results import failed, passed, run_of


def raised(target: str, place: str, text: str = "no", **more: Any) -> Any:
    message = f"rnn_forward of {target}: shapes (a spec law)\n  raised   E: {text}\n  at       {place} in f"
    return failed(
        target, diagnosis=[text], message=f"{message}\n  problem  Problem.rnn(n_x=1) x.py:7", **more
    )


def test_an_annotation_has_the_path_from_where_the_run_was_started() -> None:
    results = [
        raised("src/a.py", "a.py:12"),
        raised("src/b c.py:Net.forward", "b c.py:3", "50%, a\rb"),
        raised("src/c\n::error::.py", "c\n::error::.py:8"),
        raised("src/d.py", "inner/help.py:4"),
        raised("src/e.py", "e.py:5", expected="known"),
        raised("package.module", "module.py:5"),
        raised("f.ipynb", "f.ipynb:5"),
        failed("g.py"),
        passed("h.py"),
    ]
    head = "::error file=src/"
    assert [*annotations(run_of(results))] == [
        f"{head}a.py,line=12,title=rnn-crosscheck::no",
        rf"{head}b c.py,line=3,title=rnn-crosscheck::50%25, a\rb",
        f"{head}c%0A%3A%3Aerror%3A%3A.py,line=8,title=rnn-crosscheck::no",
        f"{head}inner/help.py,line=4,title=rnn-crosscheck::no",
    ]


def test_no_text_of_a_target_is_markdown() -> None:
    hostile = "a|b <b>*c*</b> [d](e) `f` @g _h_ #1\n| i |"
    table = summary(run_of([failed(f"{hostile}.py", diagnosis=[hostile]), passed("right.py")]))
    *_, row, right, _ = table.split("\n")[:-1]
    assert not re.search(r"[<>*\[\]`@_]", row)
    assert row.count("|") == 4
    assert right == "| right.py | ✓ conforms |  |"
