"""The grade book: a row for each target, with its verdict and its first mistake."""

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from properties.reports.report import COLUMNS, as_csv
from properties.reports.run import Run
from properties.tests.results import every_verdict, failed, passed, run_of
from reference.contract import FUNCTIONS


def rows(run: Run) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(as_csv(run).removeprefix("\ufeff"))))


def test_the_grade_book_has_a_row_for_each() -> None:
    found = rows(run_of(every_verdict(), ["waiting", "not robust"]))
    assert {row["target"]: row["verdict"] for row in found} == {
        **{
            name: name
            for name in ("conforms", "differs", "incomplete", "unfinished", "not judged", "unusable")
        },
        "not robust": "left",
        "waiting": "left",
    }
    values = ["conforms", "conforms", "", "2", "2", "", "0", "", ""]
    assert found[0] == dict(zip(COLUMNS, values, strict=True))
    assert found[1]["laws_failed"] == "3"
    assert found[1]["first_mistake"] == "<i>c</i> & a"


def test_the_grade_book_names_the_page_of_each() -> None:
    run = replace(run_of([passed("a.py"), passed("b.py")]), pages={"a.py": Path("pages/a.py.html")})
    assert [row["page"] for row in rows(run)] == ["a.py.html", ""]


def test_a_forward_that_inherits_counts_as_one_that_holds() -> None:
    cell = failed("a", "each step", "rnn_cell_forward")
    for inherited, hold in ((True, "1"), (False, "0")):
        (row,) = rows(run_of([cell, failed("a", "each step", inherited=inherited)]))
        assert (row["verdict"], row["functions"], row["functions_that_hold_spec"]) == ("differs", "2", hold)


def test_the_grade_book_tells_by_grade_how_many_functions_hold() -> None:
    results = [
        *(passed("course/a.py", "shapes", function) for function in FUNCTIONS),
        *(failed("course/a.py", "empty", function, grade="robust") for function in FUNCTIONS[1:]),
        passed("course/a.py", "empty", FUNCTIONS[0], grade="robust"),
        failed("course/b.py"),
        failed("course/b.py", "split", ours=True),
        failed("course/b.py", "split", "lstm_forward", ours=True),
        passed("course/b.py", "empty", "lstm_forward", grade="robust"),
    ]
    a, b, left = rows(run_of(results, ["course/x/c.py"]))
    grades = ("functions", "functions_that_hold_spec", "functions_that_hold_robust")
    assert [a[each] for each in ("target", *grades)] == ["a.py", "4", "4", "1"]
    assert [b[each] for each in ("target", *grades)] == ["b.py", "2", "0", "0"]
    assert (left["target"], left["verdict"]) == ("x/c.py", "left")
    of_spec_alone = [passed("a.py"), failed("b.py")]
    assert [row["functions_that_hold_robust"] for row in rows(run_of(of_spec_alone))] == ["", ""]


FOREIGN = st.builds(
    str.__add__, st.sampled_from(["", " ", *"=+-@"]), st.text(st.characters(exclude_categories=()))
)


@given(FOREIGN, FOREIGN)
def test_no_cell_is_a_formula_or_has_two_lines(name: str, words: str) -> None:
    (row,) = rows(run_of([failed(name, diagnosis=[words])]))
    for cell in row.values():
        assert cell.isprintable()
        assert not cell.startswith(("=", "+", "-", "@"))


def test_one_of_which_all_holds_has_made_no_mistake() -> None:
    assert rows(run_of([passed("a")]))[0]["first_mistake"] == ""
