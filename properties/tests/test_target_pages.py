"""The pages for those who wrote what is judged: what they say, and that their numbers are right."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from oracle.diagnosis.findings import found, mistake
from oracle.problem import Problem
from oracle.regimes import REGIMES
from properties.reports import target_pages
from properties.reports.json_report import Run
from properties.reports.results import LawResult, judgements
from properties.reports.snippet import snippet
from properties.reports.target_names import file_names
from properties.reports.worked_example import worked
from properties.tests.results import MISSING, every_verdict, failed, passed
from properties.tests.test_report import Page
from properties.trials.provided_functions import PROVIDED, USABLE
from reference.contract import CONTRACTS, FUNCTIONS

SMALL = st.builds(
    Problem,
    kind=st.just("rnn"),
    n_x=st.integers(0, 3),
    n_a=st.integers(1, 3),
    n_y=st.integers(1, 3),
    m=st.integers(0, 2),
    T_x=st.integers(1, 3),
    regime=st.sampled_from([*REGIMES]),
    seed=st.integers(0, 9),
    dtype=st.sampled_from(["float64", "float32", "float16"]),
)


def of(function: str, problem: Problem) -> Problem:
    given = {name: getattr(problem, name) for name in (*problem.varies, "regime", "seed", "dtype")}
    made: Problem = getattr(Problem, CONTRACTS[function].kind)(**given)
    return made


@given(SMALL, st.sampled_from(FUNCTIONS))
def test_a_snippet_shows_what_is_right_beside_what_should_be(problem: Problem, function: str) -> None:
    """A function that is right is shown to be so; nothing but NumPy is imported."""
    told: list[Any] = []
    code = snippet(of(function, problem), function)
    names = {function: getattr(reference, function), "print": lambda *words: told.append(words)}
    with np.errstate(all="ignore"):
        exec(code, names)
    assert re.findall(r"^(?:import|from) .*", code, re.MULTILINE) in (
        ["import numpy as np"],
        ["from rnn_crosscheck import Problem"],
    )
    contract = CONTRACTS[function]
    shown = len(contract.outputs) + len(contract.cache) + 2 * (not contract.is_cell)
    assert len(told) in (shown, len(contract.outputs), 0)  # without caches of no steps
    for name, ours, _, right in told:
        if isinstance(ours, int):
            assert (name, ours) == ("caches hold", right)
            continue
        if name == "caches[1] is":
            np.testing.assert_array_equal(ours, right)
            continue
        assert name.removesuffix(" is").split("[")[0] in (*contract.outputs, "cache")
        assert ours.shape == right.shape
        np.testing.assert_allclose(ours.astype(float), right, rtol=1e-2 if ours.dtype == "float16" else 1e-6)


def test_a_snippet_of_a_large_problem_or_of_layers_draws_it() -> None:
    large = Problem.lstm(n_x=9, n_a=9, n_y=9, m=9, T_x=9)
    layers = Problem.rnn_layer(n_x=1, n_a=1, m=1, T_x=1)
    for problem, function in ((large, "lstm_forward"), (layers, "rnn_layer")):
        code = snippet(problem, function)
        names: dict[str, Any] = {function: getattr(reference, function)}
        exec(code.replace("rnn_crosscheck", "oracle.problem"), names)
        assert names["problem"] == problem


def last(lines: list[str], name: str) -> np.ndarray[Any, Any]:
    text = next(line for line in reversed(lines) if line.startswith(f"{name} = ")).rpartition(" = ")[2]
    return np.array([float(number) for number in text.strip("[]").split(", ")])


@settings(max_examples=200)  # many of which are too large, or have no such step
@given(SMALL, st.sampled_from(FUNCTIONS), st.integers(0, 2), st.integers(0, 3))
def test_what_is_worked_out_is_what_the_reference_answers(
    problem: Problem, function: str, sample: int, step: int
) -> None:
    posed = of(function, replace(problem, dtype="float64"))
    lines = worked(posed, function, sample, step)
    is_cell = CONTRACTS[function].is_cell
    follows = posed.n_x > 0 and sample < posed.m and step < (1 if is_cell else posed.T_x)
    assert bool(lines) == (follows and step < 3)
    if lines:
        with np.errstate(all="ignore"):
            outputs = getattr(reference, function)(*posed.arguments(function))
        at = (slice(None), sample) if is_cell else (slice(None), sample, step)
        places = {"a_next": 0, "y": 2 if function == "lstm_cell_forward" else 1}
        for name, place in places.items():
            np.testing.assert_allclose(last(lines, name), outputs[place][at], rtol=1e-5, atol=1e-30)
        logits = [float(line.rpartition(" = ")[2]) for line in lines if " a_next + by" in line][-posed.n_y :]
        if np.abs(logits).max() < 100:  # otherwise six digits are too few
            np.testing.assert_allclose(
                reference.softmax(np.array(logits)[:, None])[:, 0], last(lines, "y"), 1e-3
            )


def test_each_product_is_written_out() -> None:
    problem = Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1, regime="ternary", seed=1)
    assert worked(problem, "lstm_forward", 0, 0)[:4] == [
        "xt = 0, a_prev = 1, c_prev = 0",
        "Wf [a_prev; xt] + bf = (1)(1) + (-1)(0) + (-1) = 0",
        "ft = σ of that = 0.5",
        "Wi [a_prev; xt] + bi = (-1)(1) + (1)(0) + (-1) = -2",
    ]


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
    page = Page(target_pages.as_page(judgement, "class/ada.py"))
    return " ".join(" ".join(page.text).split())


def test_a_page_says_in_plain_words_what_is_wrong_and_how_to_look_at_it() -> None:
    text = text_of(ADA, passed("course/ada.py"))
    for told in (
        "✗ differs wrong on ordinary inputs.",
        "1. ba (of an LSTM bf, bi, bc and bo) is left out",
        "Or, with the same numbers: every bias but by is added twice.",
        "rnn_forward will be right when its cell is.",
        "What should hold, and does not: Each step agrees with torch's",
        "(each step: rnn_forward)",
        "the first wrong number a[unit 0, sample 0, step 0] yours 0.5 right 0.25 Its numbers, worked out:",
        "Wax xt + Waa a_prev + ba =",
        "import numpy as np x = np.array(",
    ):
        assert told in text, (told, text)
    assert "rnn-crosscheck" not in text  # which a student need not have
    for noise in ("ulp", "±", "allowed", "torch has"):
        assert noise not in text.partition("* { box-sizing")[2].partition("What should hold")[2]


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
    assert "Nothing is wrong with it." in text_of(passed("a"))
    said = ["cannot be imported: ImportError"]
    unusable = failed("a", USABLE, "", said, usable=False, counterexample="")
    assert "1. cannot be imported: ImportError" in text_of(unusable)
    missing = failed("a", PROVIDED, "lstm_forward", findings=[MISSING], counterexample="")
    assert "1. has no lstm_forward" in text_of(passed("a"), missing)


def test_a_page_is_titled_by_the_folder_and_says_what_is_unfinished_once() -> None:
    detail = "'a_next = None' (rnn.py:6 in rnn_cell_forward)"
    lack = found("lacking", what="unfinished", function="rnn_cell_forward", detail=detail)
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
        "findings": [found("raised", type="KeyError", text="'Wy'")],
    }
    failures = [failed("a", "shapes", **raises), failed("a", "split", **raises)]
    provided = passed("a", PROVIDED)
    assert "No law can hold, for rnn_forward gives no answer." in text_of(provided, *failures)
    assert "What should hold, and does not" in text_of(passed("a", "each step"), *failures)


def test_a_page_does_not_count_what_fails_by_a_helper_module() -> None:
    text = text_of(passed("a"), failed("a", "split", helpers=["rnn_utils.softmax"]))
    assert "✓ conforms 1 of 1" in text


def test_every_page_is_accessible_and_names_no_other(tmp_path: Path) -> None:
    run = Run({}, left=["not judged"])
    judged = judgements(every_verdict())
    assert target_pages.write(tmp_path / "pages", judged, run) == 6
    pages = {path.name: path.read_text() for path in (tmp_path / "pages").iterdir()}
    assert {*pages} == {
        f"{name.replace(' ', '_')}.html" for name in {j.implementation for j in judged} - {*run.left}
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
    files = file_names(names).values()
    assert len({file.casefold() for file in files}) == len(names)
    assert all(re.fullmatch(r"[\w.~-]+\.html", file) and not file.startswith(".") for file in files)


def test_a_page_is_named_like_the_file_and_its_folder() -> None:
    assert file_names(["w/x/ada.py", "w/x/bob.py", "w/y/bob.py"]) == {
        "w/x/ada.py": "x_ada.py.html",
        "w/x/bob.py": "x_bob.py.html",
        "w/y/bob.py": "y_bob.py.html",
    }
    assert file_names(["w/x/ada.py"]) == {"w/x/ada.py": "ada.py.html"}


@pytest.mark.parametrize(
    ("folder", "message"), [("file", "this is no directory"), ("nowhere/pages", "there is no directory")]
)
def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, folder: str, message: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=f"^--report-each .*: {message}"):
        target_pages.check(tmp_path / folder)
