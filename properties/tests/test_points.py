"""Points: what functions give, in the grade book, in JSON, and for Gradescope."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from properties.reports import json_report, points
from properties.reports.points import Points
from properties.reports.report import Reports, as_csv, as_gradescope
from properties.session.api import judge
from properties.tests.results import every_verdict, failed, passed, run_of
from properties.tests.runs import in_clone

pytestmark = pytest.mark.slow

ONE = Points("spec", {"rnn_forward": 2, "lstm_forward": 2.5})


def total(name: str, given: Points, *, left: bool = False) -> float:
    (judgement,) = (
        each
        for each in run_of(every_verdict(), [name] if left else []).judgements
        if each.implementation == name
    )
    return sum(given.of(judgement).values())


@pytest.mark.parametrize(
    ("name", "spec", "robust"),
    [
        ("conforms", 4.5, 0),  # no robust law has run
        ("not robust", 2, 0),
        ("differs", 2, 0),  # only inherited failures
        ("incomplete", 0, 0),
        ("unfinished", 0, 0),
        ("not judged", 0, 0),
        ("unusable", 0, 0),
    ],
)
def test_a_function_that_holds_the_grade_gives_its_points(name: str, spec: float, robust: float) -> None:
    assert total(name, ONE) == spec
    assert total(name, replace(ONE, grade="robust")) == robust


def test_the_robust_grade_needs_the_spec_grade_too() -> None:
    results = [failed("a"), passed("a", "empty", grade="robust")]
    results += [passed("a", function="lstm_forward"), passed("a", "empty", "lstm_forward", grade="robust")]
    (judgement,) = run_of(results).judgements
    assert replace(ONE, grade="robust").of(judgement) == {"rnn_forward": 0, "lstm_forward": 2.5}


def test_what_is_inherited_costs_no_points() -> None:
    results = [passed("a", "split"), failed("a", inherited=True), failed("a", function="rnn_cell_forward")]
    (judgement,) = run_of(results).judgements
    given = Points("spec", {"rnn_cell_forward": 1, "rnn_forward": 2})
    assert given.of(judgement) == {"rnn_cell_forward": 0, "rnn_forward": 2}


def test_a_target_that_was_not_judged_completely_has_no_points() -> None:
    run = replace(run_of([passed("a"), passed("ü")], ["a"]), points=ONE)
    rows = [*csv.DictReader(as_csv(run).removeprefix("\ufeff").splitlines())]
    assert [row["points"] for row in rows] == ["", "2"]


def test_the_grade_book_opens_in_excel(tmp_path: Path) -> None:
    """Excel takes a file for UTF-8 if it begins with this mark."""
    Reports([tmp_path / "grades.csv"]).write(run_of([passed("übung.py")]))
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbftarget,")
    assert "übung.py,conforms" in (tmp_path / "grades.csv").read_text("utf-8-sig")


def test_the_report_in_json_has_the_points_and_is_read_with_them() -> None:
    run = replace(run_of(every_verdict()), points=ONE)
    text = json_report.as_json(run)
    assert json_report.from_json(text).points == ONE
    assert json.loads(text)["implementations"][0]["points"] == {"rnn_forward": 2, "lstm_forward": 2.5}
    with pytest.raises(ValueError, match="no report"):
        json_report.from_json(text.replace('"grade": "spec",\n  "points"', '"grade": "best",\n  "points"'))


def test_gradescope_gets_one_target_with_points() -> None:
    for run in (run_of([passed("a")]), replace(run_of([passed("a"), passed("b")]), points=ONE)):
        with pytest.raises(ValueError, match="Gradescope needs --points and one target"):
            as_gradescope(run)


def test_gradescope_gets_a_test_for_each_function() -> None:
    results = [passed("a", function="lstm_forward"), failed("a", diagnosis=["too small"])]
    run = replace(run_of(results), points=ONE)
    document = json.loads(as_gradescope(run))
    wrong, right = document["tests"]
    assert document["output"] == "differs"
    assert right == {
        "name": "lstm_forward",
        "score": 2.5,
        "max_score": 2.5,
        "output": "conforms",
    }
    assert (wrong["score"], wrong["max_score"]) == (0, 2)
    first, _, message = wrong["output"].partition("\n\n")
    assert first == "differs: too small"
    assert message == results[1].message


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('grade = "best"\n[points]\nrnn_forward = 1', "key 'grade' is 'best', expected 'spec' or 'robust'"),
        ("grades = 1", "key 'grades' is unknown; did you mean 'grade'?"),
        ('grade = "spec"', "there is no table [points]"),
        ("points = 3", "there is no table [points]"),
        ("[points]\nrnn_foward = 1", "there is no function 'rnn_foward'; did you mean 'rnn_forward'?"),
        ("[points]\nrnn_forward = -1", "rnn_forward is -1, expected a number from 0 up"),
        ("[points]\nrnn_forward = nan", "rnn_forward is nan"),
        ("[points]\nrnn_forward = true", "rnn_forward is True"),
        ("[points", "not valid TOML: Expected ']'"),
        (None, "No such file"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str | None, why: str) -> None:
    file = tmp_path / "points.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(ValueError, match=r"points\.toml: ") as caught:
        points.read(file)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["-k", "rnn", "--points", "p.toml"], "--points counts all laws; leave out -k rnn"),
        (["-m", "robust", "--points", "p.toml"], "--points counts all laws; leave out -m robust"),
        (["--report", "r.gradescope.json"], "--report FILE.gradescope.json needs --points and one target"),
        (
            ["oracle.faults", "--points", "p.toml", "--report", "r.gradescope.json"],
            "--report FILE.gradescope.json needs --points and one target",
        ),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: list[str], why: str) -> None:
    (tmp_path / "p.toml").write_text("[points]\nrnn_forward = 1")
    done = in_clone().run("reference", *options, directory=tmp_path)
    assert done.returncode == 4
    assert why in done.stdout


def test_a_notebook_of_nbgrader_gets_a_number(tmp_path: Path, forked: None) -> None:
    def rnn_cell_forward(xt: Any, a_prev: Any, parameters: Any) -> Any:
        raise NotImplementedError

    (tmp_path / "p.toml").write_text("[points]\nrnn_cell_forward = 1")
    options = ("-m", "spec", "--hypothesis-profile=quick")
    assert judge(rnn_cell_forward, *options, "--points", str(tmp_path / "p.toml")).points == 0
