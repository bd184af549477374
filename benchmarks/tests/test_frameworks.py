"""The page on frameworks shows in which column and row each failure belongs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import frameworks
from benchmarks.choice_picture import COLOURS
from benchmarks.framework_tables import AdapterResult, choice_picture, parts
from benchmarks.frameworks import verdict_changes
from benchmarks.ledger import DEFENDED, LEDGER, anchor, entries, explanations
from benchmarks.shared import updated
from oracle.frameworks import ADAPTERS
from oracle.problems.limits import Limits
from oracle.problems.problem import Problem
from properties.reports.results import LawResult, Status

SIZES: dict[str, Any] = {"n_x": 1, "n_a": 2, "m": 1, "T_x": 2}
ENTRIES = [*entries()]
EXPLANATIONS = explanations()


def failure(law: str, fact: str = "", gradients: bool = False, **given: Any) -> LawResult:
    problem = repr(Problem.lstm_layer(**{**SIZES, **given}))
    grade, function = "spec" if law == "trajectory" else "robust", "lstm_layer"
    facts: dict[str, Any] = {fact: {}} if fact else {}
    function += "_backward" if gradients else ""
    return LawResult("", law, grade, function, "failed", 0.0, counterexample=problem, facts=facts)


def judged(name: str, *results: LawResult) -> AdapterResult:
    return AdapterResult(
        name,
        version="1.0",
        verdict="not robust",
        limits=Limits(dtypes=("float64", "float32")),
        has_gradients=True,
        results=results,
    )


def lines(*judged: AdapterResult) -> list[str]:
    """Return the lines of all measured parts."""
    return "\n".join(parts(judged).values()).splitlines()


def row(judgement: AdapterResult) -> dict[str, str]:
    """Return the cells of the only row of the table of adapters, by column."""
    header, _, cells = parts([judgement])["adapters"].splitlines()
    return dict(zip(header.split(" | "), cells.split(" | "), strict=True))


@pytest.mark.parametrize(
    ("met", "column", "cell"),
    [
        (failure("trajectory"), "float64", "**no**"),
        (failure("lower precision", dtype="float32"), "float32", "**no**"),
        (failure("trajectory", lengths="random"), "lengths", "**no**"),
        (failure("trajectory", gradients=True), "gradients", "**no**: float64"),
        (
            failure("lower precision", gradients=True, dtype="float32", lengths="equal", directions=2),
            "gradients",
            "**no**: float32 with lengths and two directions",
        ),
        (
            failure("extreme magnitudes", gradients=True, lengths="equal"),
            "other edges that fail",
            "extreme magnitudes",
        ),
        (failure("nonfinite", regime="nonfinite"), "NaN, ∞", "**no**"),
        (failure("nonfinite", gradients=True, regime="nonfinite"), "NaN, ∞", "**no**"),
        (failure("padding", lengths="random"), "NaN, ∞", "**no**"),
        (failure("no samples", "died", m=0), "crashes", "no samples"),
        (failure("no steps", "raised", T_x=0), "other edges that fail", "no steps"),
        (failure("memory layouts"), "other edges that fail", "memory layouts"),
    ],
)
def test_a_failure_changes_one_column(met: LawResult, column: str, cell: str) -> None:
    right, wrong = row(judged("mlx")), row(judged("mlx", met))
    assert wrong[column] == cell
    changed = {name for name in right if right[name] != wrong[name]}
    assert changed <= {column, "new failures"}


def test_each_no_of_those_who_choose_links_to_its_reason() -> None:
    met = [failure("padding", lengths="random"), failure("trajectory", lengths="random")]
    row = parts([judged("paddle", *met)])["choice"].splitlines()[-1]
    padding = "[no](../FINDINGS.md#paddle-what-is-in-the-padding-reaches-the-last-states)"
    assert row == f"| `paddle` | no | yes | yes | {padding} |"


def test_a_picture_distinguishes_defended_behaviour_from_findings_and_escapes_names() -> None:
    finding = failure("trajectory", gradients=True, lengths="equal", directions=2)
    defended = failure("lower precision", "raised", gradients=True, dtype="float32")
    unlisted = replace(judged("other", failure("trajectory")), version="<1>")
    drawn = choice_picture([judged("paddle", finding), judged("torch_autocast", defended), unlisted])
    texts = [each.text for each in ElementTree.fromstring(drawn).iter()]
    answers = [text for text in texts if text in COLOURS]
    assert answers == [
        *("yes", "yes", "no", "yes"),
        *("yes", "yes", "defended", "yes"),
        *("yes", "no", "yes", "yes"),
    ]
    assert "other (<1>)" in texts


def test_a_result_that_was_kept_is_not_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def judge(name: str, pythons: Sequence[str]) -> AdapterResult:
        calls.append(name)
        return judged(name)

    monkeypatch.setattr(frameworks, "judge", judge)
    results = [frameworks.kept("mlx", [], tmp_path) for _ in range(2)]
    assert (calls, results[0]) == (["mlx"], results[1])


def test_absent_gradients_are_not_judged() -> None:
    assert row(judged("mlx"))["gradients"] == "yes"
    assert row(replace(judged("onnxruntime"), has_gradients=False))["gradients"] == "–"


def test_the_worst_error_of_gradients_is_not_that_of_a_forward_pass() -> None:
    statuses: dict[bool, Status] = {True: "passed", False: "failed"}
    laws = [
        LawResult("", law, "spec", function, statuses[holds], 0.0, worst_ratio=worst, counterexample=problem)
        for function, law, holds, worst, problem in (
            ("", "can be loaded", True, 0.0, ""),
            ("lstm_layer", "trajectory", False, 9.0, repr(Problem.lstm_layer(**SIZES))),
            ("lstm_layer", "each step", True, 0.1, ""),
            ("lstm_layer_backward", "trajectory", True, 0.2, ""),
            ("lstm_layer_backward", "lower precision", True, 0.3, ""),
        )
    ]
    assert "| `mlx` | fails | 0.10 | 0.00 | 0.00 | 0.30 | float64 and float32 only |" in lines(
        judged("mlx", *laws)
    )
    laws[-1] = replace(laws[-1], status="failed")
    assert "| `mlx` | fails | 0.10 | 0.00 | 0.00 | fails | float64 and float32 only |" in lines(
        judged("mlx", *laws)
    )


def test_excluded_dtypes_are_not_judged() -> None:
    assert row(judged("mlx"))["float16"] == "–"


def test_a_failure_is_a_finding_or_defended_or_new() -> None:
    met = [failure("no samples", "died", m=0), failure("no steps", T_x=0), failure("trajectory")]
    rows = [line for line in lines(judged("onnxruntime", *met)) if line.startswith("| `onnxruntime` | LSTM")]
    for line, mark in zip(rows, ("[finding](../FINDINGS.md#onnx-", "[defended](", "**new**"), strict=True):
        assert mark in line


def test_the_laws_that_show_one_finding_share_a_row() -> None:
    met = [failure("padding", lengths="random"), failure("nonfinite", regime="nonfinite")]
    (line,) = [line for line in lines(judged("paddle", *met)) if line.startswith("| `paddle` | LSTM")]
    assert "| padding, nonfinite |" in line


def test_an_adapter_that_was_not_run_has_a_reason() -> None:
    rows = [
        line
        for line in lines(AdapterResult("ncnn", missing="ncnn, which is not installed"))
        if "ncnn" in line
    ]
    assert len(rows) == 1
    assert rows[0].startswith("| `ncnn` | – | not run: ncnn, which is not installed |")


def test_a_verdict_is_compared_with_that_of_an_earlier_page() -> None:
    met = judged("mlx", failure("no steps", "raised", T_x=0))
    table = parts([met, AdapterResult("ncnn", missing="not here")])["adapters"]
    before = updated("<!-- adapters -->\n<!-- end -->\n", {"adapters": table})
    conforms = replace(judged("mlx"), verdict="conforms", version="2.0")
    assert verdict_changes([met, judged("ncnn")], before) == []
    assert verdict_changes([conforms], before) == ["mlx: not robust (1.0) is now conforms (2.0)"]


def test_the_ledger_explains_failures_of_existing_adapters() -> None:
    assert {each.adapter for each in EXPLANATIONS} <= ADAPTERS.keys()
    of_adapters = {entry.title for entry in ENTRIES if "frameworks." in entry.command}
    assert {each.heading for each in EXPLANATIONS} == of_adapters | {DEFENDED}


def test_the_issues_that_are_ready_to_be_filed_have_the_scripts_of_the_ledger() -> None:
    pages = [each for each in (LEDGER.parent / "docs" / "upstream").glob("*.md") if each.stem != "README"]
    assert len(pages) == 10
    for page in pages:
        text = page.read_text(encoding="utf-8")
        (entry,) = (each for each in ENTRIES if anchor(each.title) in text)
        assert f"```python\n{entry.script}\n```" in text
        assert entry.facts["version"] in text


def test_headings_are_linked_as_github_does() -> None:
    assert anchor("MLX: no steps, and no features, raise ValueError") == (
        "#mlx-no-steps-and-no-features-raise-valueerror"
    )


def test_the_published_page_is_short_enough_to_read() -> None:
    published = (LEDGER.parent / "docs" / "frameworks.md").read_text(encoding="utf-8")
    assert len(published.splitlines()) <= 200
