"""The report in JSON, and files of reports: what is in them, and that foreign text stays text."""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from properties.reports.html_report import as_html
from properties.reports.json_report import as_json
from properties.reports.report import Reports
from properties.reports.results import LawResult
from properties.reports.run import short_names
from properties.tests.html_pages import Page
from properties.tests.results import ENVIRONMENT, PROBLEM, every_verdict, failed, left_out, passed, run_of

OF_SOME_LAWS = (
    "findings",
    "facts",
    "expected",
    "too_slow",
    "late",
    "usable",
    "inherited",
    "reproducible",
    "ours",
    "unfinished",
)
TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@st.composite
def foreign(draw: st.DrawFn) -> LawResult:
    """A failure with whatever text in it that an implementation may have a say in."""
    message, diagnosis = draw(TEXT), draw(st.lists(TEXT, max_size=2))
    return failed(
        draw(TEXT),
        message=f"title\n{message}",
        diagnosis=diagnosis,
        expected=draw(TEXT),
        worst_ratio=draw(st.floats(0)),
    )


def test_the_keys_of_the_document_are_those_of_its_schema() -> None:
    document = json.loads(as_json(run_of(every_verdict())))
    assert [*document] == ["schema", "environment", "implementations"]
    assert document["schema"] == 1
    assert document["environment"] == ENVIRONMENT
    for implementation in document["implementations"]:
        assert [*implementation] == ["target", "verdict", "functions", "laws"]
        for function in implementation["functions"].values():
            assert [*function] in (
                ["verdict", "holds", "inherited"],
                ["verdict", "holds", "inherited", "remark"],
            )
        for law in implementation["laws"]:
            assert [key for key in law if key not in OF_SOME_LAWS] == [
                *("law", "grade", "function", "status", "problems", "seconds"),
                *("worst_ratio", "counterexample", "message", "diagnosis"),
            ]


def test_the_document_says_what_came_of_each_law() -> None:
    document = json.loads(as_json(run_of(every_verdict())))
    by_target = {implementation["target"]: implementation for implementation in document["implementations"]}
    differs = by_target["differs"]
    assert differs["functions"] == {
        "rnn_forward": {
            "verdict": "differs",
            "holds": [],
            "inherited": True,
            "remark": "inherited from its cell; <i>c</i> & a",
        }
    }
    step, shapes, _ = differs["laws"]
    assert (step["law"], step["status"], step["worst_ratio"]) == ("each step", "failed", 3e12)
    assert {"expected", "too_slow", "late"}.isdisjoint(step)
    assert shapes["expected"] == "<known> & so on"
    assert by_target["incomplete"]["laws"][-1]["status"] == "skipped"
    assert by_target["conforms"]["functions"]["lstm_forward"] == {
        "verdict": "conforms",
        "holds": ["spec"],
        "inherited": False,
    }
    assert by_target["not robust"]["functions"]["rnn_forward"]["holds"] == ["spec"]


@given(st.lists(foreign(), max_size=3))
def test_any_text_is_reported_as_it_is(results: list[LawResult]) -> None:
    run = run_of(results)
    laws = [law for judgement in run.judgements for law in judgement.results]
    document = json.loads(as_json(run))
    reported = [law for implementation in document["implementations"] for law in implementation["laws"]]
    assert [law["message"] for law in reported] == [law.message for law in laws]
    assert all(math.isfinite(law["worst_ratio"]) for law in reported)

    page = Page(as_html(run))
    harmless = [Page(as_html(run_of(some))) for some in (every_verdict(), every_verdict()[2:5])]
    assert {tag for tag, _ in page.attributes} <= {tag for each in harmless for tag, _ in each.attributes}
    assert [tag for tag, _ in page.attributes].count("script") == 1
    text = "".join(page.text)
    names = short_names(law.implementation for law in laws)
    for law in laws:
        assert names[law.implementation] in text
        assert law.expected in text


def test_text_that_cannot_be_encoded_is_written_nevertheless(tmp_path: Path) -> None:
    run = run_of([failed("\ud800 \x00")])
    for suffix in (".json", ".html"):
        Reports([tmp_path / f"report{suffix}"]).write(run)
        assert "\\ud800" in (tmp_path / f"report{suffix}").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("report.xml", "a report ends in .gradescope.json, .json, .html or .csv"),
        ("report", "a report ends in .gradescope.json, .json, .html or .csv"),
        ("nowhere/report.json", "there is no directory 'nowhere'"),
        ("folder.html", "this is a directory"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.html").mkdir()
    with pytest.raises(ValueError, match=rf"^--report {re.escape(path)}: {re.escape(message)}$"):
        Reports([Path(path)]).check()


def test_what_was_too_slow_is_told_in_both() -> None:
    run = run_of([passed("a", too_slow=7, late=PROBLEM), left_out("a", "split")])
    (document,) = json.loads(as_json(run))["implementations"]
    shapes, split = document["laws"]
    assert (shapes["problems"], shapes["too_slow"], shapes["late"]) == (80, 7, PROBLEM)
    assert (split["status"], split["message"]) == ("skipped", "too slow beyond n_x=1")
    assert document["verdict"] == "not judged"
    text = " ".join(" ".join(Page(as_html(run)).text).split())
    assert "shapes 80 + 7 too slow" in text
    assert "rnn not judged: too slow beyond n_x=1 in split" in text
