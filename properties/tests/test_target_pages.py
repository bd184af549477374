"""The pages for the authors of targets: what they say."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.explanations.claims import Claim, mistake
from properties.reports.html_report import as_page_of_target
from properties.reports.judgement import judgements
from properties.reports.report import Reports
from properties.reports.results import LawResult
from properties.reports.run import page_names
from properties.tests.html_pages import Page
from properties.tests.results import MISSING, every_verdict, failed, passed, run_of
from properties.trials.provided_functions import PROVIDED, USABLE

ADA = failed(
    "course/ada.py",
    "each step",
    facts={
        "element": {"name": "a", "row": "unit 0", "sample": 0, "step": 0},
        "implementation": 0.5,
        "torch": 0.25,
        "exact": {"value": 0.25, "digits": "0.25000000000000000001… ± 4e-58"},
        "allowed": {"error": 3.3e-16, "dtype": "float64"},
        "off_by": {"bounds": 1.2e14, "ulp": 2.3e16},
        "wrong": ["implementation"],
    },
    findings=[mistake("biases_missing"), mistake("biases_doubled")],
    inherited=True,
)


def text_of(*results: LawResult) -> str:
    (judgement,) = judgements(results)
    page = Page(as_page_of_target(judgement, "class/ada.py"))
    return " ".join(" ".join(page.text).split())


def test_a_page_says_in_plain_words_what_is_wrong_and_how_to_look_at_it() -> None:
    text = text_of(ADA, passed("course/ada.py"))
    for told in (
        "✗ differs wrong on ordinary inputs.",
        "1. the biases of the cell are left out",
        "Another mistake that gives the same numbers: every bias but by is added twice.",
        "rnn_forward will be right as soon as rnn_cell_forward is right.",
        "These laws do not hold: Each step is right, given the function's own states before it",
        "(each step: rnn_forward)",
        "the first wrong number a[unit 0, sample 0, step 0] yours 0.5 right 0.25",
        "import numpy as np x = np.array(",
    ):
        assert told in text, (told, text)
    assert "rnn-crosscheck" not in text  # which a student need not have
    for noise in ("ulp", "±", "allowed", "torch has"):
        assert noise not in text.partition("* { box-sizing")[2].partition("These laws do not hold")[2]


def test_a_page_tells_the_law_in_words_and_how_a_mistake_is_mended() -> None:
    findings = [mistake("one_maximum", "caches_without_x")]
    both = failed("a", "no samples", grade="robust", findings=findings)
    text = text_of(both, failed("a", "no samples", "rnn_cell_forward", grade="robust"))
    assert "To mend it: subtract from each column its own maximum" in text
    assert "axis=0" in text
    assert "To mend it: return (caches, x) for the caches." in text
    assert "An empty batch gives empty answers." in text
    assert text.count("(no samples: rnn_forward)") == 1
    spec = text_of(
        failed("a", diagnosis=["bf is left out"]),
        failed("a", "no samples", grade="robust", diagnosis=["bf is left out"]),
    )
    assert "To mend it" not in spec
    assert "(shapes: rnn_forward)" in spec
    assert "no samples" not in spec


def test_a_page_of_what_conforms_or_cannot_be_used_says_so() -> None:
    assert "No mistake was found." in text_of(passed("a"))
    said = ["cannot be imported: ImportError"]
    unusable = failed("a", USABLE, "", said, usable=False, counterexample="")
    assert "1. cannot be imported: ImportError" in text_of(unusable)
    missing = failed("a", PROVIDED, "lstm_forward", findings=[MISSING], counterexample="")
    assert "1. has no lstm_forward" in text_of(passed("a"), missing)


def test_a_page_is_titled_by_the_folder_and_says_what_is_unfinished_once() -> None:
    detail = "'a_next = None' (rnn.py:6 in rnn_cell_forward)"
    lack = Claim.of("lacking", what="unfinished", function="rnn_cell_forward", detail=detail)
    message = f"rnn_cell_forward of /teacher/class/rnn.py is not finished: {detail}"
    text = text_of(
        failed("/teacher/class/rnn.py", PROVIDED, findings=[lack], message=message, counterexample="")
    )
    assert text.startswith("class/ada.py: ")
    assert "1. rnn_cell_forward is not finished: 'a_next = None'" in text
    assert "/teacher" not in text


def test_a_page_does_not_list_the_laws_of_a_function_that_gives_no_answer() -> None:
    raises: dict[str, Any] = {
        "facts": {"raised": {"type": "KeyError", "text": "'Wy'"}},
        "findings": [Claim.of("raised", type="KeyError", text="'Wy'")],
    }
    failures = [failed("a", "shapes", **raises), failed("a", "split", **raises)]
    provided = passed("a", PROVIDED)
    assert "No law can hold, because rnn_forward returns no answer." in text_of(provided, *failures)
    assert "These laws do not hold" in text_of(passed("a", "each step"), *failures)


def test_a_page_does_not_count_what_fails_by_a_helper_module() -> None:
    text = text_of(passed("a"), failed("a", "split", helpers=["rnn_utils.softmax"]))
    assert "✓ conforms 1 of 1" in text


def test_every_page_is_accessible_and_names_no_other(tmp_path: Path) -> None:
    run = run_of(every_verdict(), ["not judged"])
    (written,) = Reports(folder=tmp_path / "pages").write(run)
    assert written.startswith("6 pages")
    pages = {path.name: path.read_text() for path in (tmp_path / "pages").iterdir()}
    assert {*pages} == {
        f"{name.replace(' ', '_')}.html"
        for name in {j.implementation for j in run.judgements} - {*run.left_targets}
    }
    for name, source in pages.items():
        page = Page(source)
        tags = [tag for tag, _ in page.attributes]
        assert tags.count("main") == tags.count("h1") == 1
        assert "script" not in tags
        assert all(attributes["scope"] for tag, attributes in page.attributes if tag == "th")
        assert page.values("id") == sorted({*page.values("id")}, key=page.values("id").index)
        assert f"<h1>{name.removesuffix('.html').replace('_', ' ')}</h1>" in source


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), unique=True))
def test_every_page_has_a_file_of_its_own(names: list[str]) -> None:
    files = page_names(names).values()
    assert len({file.casefold() for file in files}) == len(names)
    assert all(re.fullmatch(r"[\w.~-]+\.html", file) and not file.startswith(".") for file in files)


def test_a_page_is_named_like_the_file_and_its_folder() -> None:
    assert page_names(["w/x/ada.py", "w/x/bob.py", "w/y/bob.py"]) == {
        "w/x/ada.py": "x_ada.py.html",
        "w/x/bob.py": "x_bob.py.html",
        "w/y/bob.py": "y_bob.py.html",
    }
    assert page_names(["w/x/ada.py"]) == {"w/x/ada.py": "ada.py.html"}


@pytest.mark.parametrize(
    ("folder", "message"), [("file", "this is no directory"), ("nowhere/pages", "there is no directory")]
)
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, folder: str, message: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=f"^--report-each .*: {message}"):
        Reports(folder=tmp_path / folder).check()
