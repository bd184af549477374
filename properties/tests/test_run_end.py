"""What a run ends with: its exit status, and what it says of it."""

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.reports.expected_failures import ExpectedFailure
from properties.reports.json_report import read_json
from properties.reports.report import Reports
from properties.reports.results import LawResult
from properties.reports.run import Run
from properties.reports.run_end import RunEnd
from properties.tests.results import failed, left_out, passed, skipped
from properties.trials.provided_functions import PROVIDED


def finish(
    *results: LawResult,
    status: int = pytest.ExitCode.OK,
    expected: tuple[ExpectedFailure, ...] = (),
    reports: tuple[Path, ...] = (),
    coming: tuple[str, ...] = ("shapes", "split"),
    **options: Any,
) -> tuple[int, list[str]]:
    """The exit status of a session with these results, and the lines that are printed."""
    run_end = RunEnd(["a"], expected, Reports(reports), Run([], {"seed": "1"}))
    ids = [f"properties/laws/t.py::test_{law}[a]" for law in coming]
    run_end.pytest_xdist_node_collection_finished([*ids, "oracle/tests/t.py::test_of_the_harness[a]"])
    for result in results:
        report: Any = SimpleNamespace(
            nodeid=f"properties/laws/t.py::test_{result.law}[a]",
            user_properties=[("law", asdict(result)), ("other", 1)],
            passed=True,
            keywords={"law": 1},
        )
        run_end.pytest_runtest_logreport(report)
        assert (report.user_properties, report.keywords) == ([("other", 1)], {})  # pytest keeps the rest
    option = SimpleNamespace(
        **{"collectonly": False, "keyword": "", "markexpr": "", "tbstyle": "no", **options}
    )
    selected = {"-k": option.keyword, "-m": option.markexpr}
    config = SimpleNamespace(option=option, getoption=selected.get)
    session: Any = SimpleNamespace(exitstatus=status, config=config)
    run_end.pytest_sessionfinish(session, status)
    lines: list[str] = []
    terminal: Any = SimpleNamespace(
        section=lines.append, write=lines.append, write_line=lambda line, **_: lines.append(line)
    )
    run_end.pytest_terminal_summary(terminal, status, session.config)
    return session.exitstatus, lines


def test_what_conforms_succeeds() -> None:
    assert finish(passed("a"))[0] == pytest.ExitCode.OK


def test_a_function_that_is_selected_and_not_there_fails_though_nothing_of_it_ran() -> None:
    status, lines = finish(passed("a", "split"), skipped("a", "split", "lstm_forward"))
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "lstm_forward was selected, but is not judged: a has no lstm_forward" in lines


def test_an_unusable_target_is_named_once_for_all_its_functions() -> None:
    why: dict[str, Any] = {"message": "a cannot be imported", "usable": False}
    results = [skipped("a", function=function, **why) for function in ("rnn_forward", "lstm_forward")]
    status, lines = finish(*results)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert [line for line in lines if "not judged" in line] == ["not judged: a cannot be imported"]


def test_a_law_none_of_whose_problems_was_judged_fails_the_run() -> None:
    status, lines = finish(passed("a", "split"), left_out("a"))
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "rnn_forward was selected, but is not judged: too slow beyond n_x=1" in lines


def test_one_that_is_expected_to_be_missing_does_not_fail() -> None:
    known = ExpectedFailure(PROVIDED, "lstm_forward", "not yet")
    missing = failed("a", PROVIDED, "lstm_forward", expected="not yet")
    results = [passed("a"), missing, skipped("a", "split", "lstm_forward")]
    assert finish(*results, expected=(known,))[0] == pytest.ExitCode.OK
    assert finish(passed("a"), results[2], expected=(known,))[0] == pytest.ExitCode.OK


def test_what_a_helper_module_does_wrong_does_not_fail_the_run() -> None:
    by_helper = failed("a", helpers=["rnn_utils.softmax"])
    status, lines = finish(by_helper)
    assert status == pytest.ExitCode.OK
    assert any("fails only because of rnn_utils.softmax" in line for line in lines)


def test_a_stale_expectation_fails_and_is_named() -> None:
    status, lines = finish(passed("a"), expected=(ExpectedFailure("shapes", "rnn_forward", "known"),))
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "expected to fail: 'shapes' on rnn_forward, but it passed" in lines


def test_another_status_is_left_as_it_is() -> None:
    assert finish(skipped("a"), status=pytest.ExitCode.INTERRUPTED)[0] == pytest.ExitCode.INTERRUPTED


def test_how_far_a_run_that_was_interrupted_has_come_is_said() -> None:
    lines = finish(passed("a"), status=pytest.ExitCode.INTERRUPTED)[1]
    assert lines[0] == "interrupted: 0 of 1 judged completely"
    shown = "\n".join(lines)
    assert ["a", "left"] in [line.split() for line in shown.split("\n")]
    assert "conforms" not in shown


def test_where_the_harness_broke_nothing_is_said_of_the_implementation() -> None:
    status, lines = finish(failed("a", ours=True), status=pytest.ExitCode.TESTS_FAILED, coming=("shapes",))
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "the harness broke, please report it: no verdict by 'shapes' on rnn_forward of a" in lines
    assert any("not judged" in line for line in lines)


def test_that_no_law_ran_is_said_with_what_selects_none() -> None:
    status, lines = finish(status=pytest.ExitCode.NO_TESTS_COLLECTED, keyword="each_stp", markexpr="spec")
    assert status == pytest.ExitCode.NO_TESTS_COLLECTED
    assert lines == [
        "no law ran, because -k each_stp -m spec selects none",
        "-k takes names of functions and laws, such as lstm_forward or each_step; did you mean 'each_step'?",
    ]


def test_a_run_that_only_collects_writes_no_report(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    finish(reports=(file,), collectonly=True)
    finish(reports=(file,), status=pytest.ExitCode.INTERRUPTED)
    assert not file.exists()
    _, lines = finish(passed("a"), reports=(file,))
    assert '"target": "a"' in file.read_text()
    assert f"report: {file}" in lines


def test_a_run_that_is_interrupted_writes_what_there_is(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    _, lines = finish(passed("a"), reports=(file,), status=pytest.ExitCode.INTERRUPTED)
    assert lines[0] == f"interrupted: 0 of 1 judged completely; written: {file}"
    assert not any(line.startswith("report:") for line in lines)
    run = read_json(file)
    assert run.judgements[0].results == [passed("a")]
    assert run.left_targets == ["a"]
    (judged,) = json.loads(file.read_text())["implementations"]
    assert judged["verdict"] == judged["functions"]["rnn_forward"]["verdict"] == "left"
    finish(passed("a"), passed("a", "split"), reports=(file,))
    assert not read_json(file).left_targets
