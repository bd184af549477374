"""How far the judging of many has come, on a terminal and elsewhere."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from properties.reports.collected_results import CollectedResults, case_in
from properties.reports.judgement import judgements
from properties.reports.results import LawResult
from properties.reports.targets_progress import TargetsProgress
from properties.tests.results import failed, passed

IDS = [
    "properties/laws/t.py::test_shapes[class/a.py-rnn_forward]",
    "properties/laws/t.py::test_shapes[class/b[1].py-lstm_forward]",
    "properties/laws/t.py::test_is[class/a.py]",
]


def terminal(lines: list[str], isatty: bool = False, reportchars: str = "") -> Any:
    """What of pytest's terminal is made use of."""
    return SimpleNamespace(
        isatty=isatty,
        showfspath=True,
        write_line=lines.append,
        rewrite=lambda line, erase=False: lines.append(line),
        stats={"": [0], "passed": [1, 2, 3], "failed": [4, 5]},
        reportchars=reportchars,
        config=SimpleNamespace(option=SimpleNamespace(durations=None)),
    )


def judge(isatty: bool, *results: tuple[str, LawResult]) -> tuple[list[str], TargetsProgress]:
    """The lines that are written while these results come in."""
    lines: list[str] = []
    reporter = terminal(lines, isatty)
    names = ["class/a.py", "class/b[1].py"]
    plugin = TargetsProgress(reporter, names)
    gathered = CollectedResults(["class/a.py", "class/b[1].py"])
    gathered.expect(IDS)
    gathered.expect(IDS)  # as from a second worker
    for nodeid, result in results:
        plugin.show(*gathered.add(nodeid, [("law", asdict(result))]))
    plugin.pytest_sessionfinish()
    return lines, plugin


RESULTS = [
    (IDS[0], passed("class/a.py")),
    (IDS[1], failed("class/b[1].py", function="lstm_forward")),
    (IDS[2], passed("class/a.py", "is", "")),
]


def test_an_id_names_its_implementation() -> None:
    assert [case_in(each).target for each in IDS] == ["class/a.py", "class/b[1].py", "class/a.py"]


def test_each_implementation_gets_a_line_when_it_is_done() -> None:
    lines, _ = judge(False, *RESULTS)
    assert lines == [
        "b[1].py: differs (1 law failed); 1 of 2, 0m 00s left",
        "a.py: conforms; 2 of 2",
    ]


def test_one_that_is_not_done_gets_none() -> None:
    assert judge(False, RESULTS[0])[0] == []


def test_a_terminal_shows_how_many_are_done_and_the_last_in_one_line() -> None:
    lines, _ = judge(True, *RESULTS)
    assert lines == [
        "judged: 0 of 2, now a.py",
        "judged: 1 of 2 (1 differs), 0m 00s left, now b[1].py",
        "judged: 2 of 2 (1 differs, 1 conforms), now a.py",
        "",  # erased
        "",  # and the cursor is at its beginning
    ]


def test_a_letter_for_each_test_is_not_written_but_counts() -> None:
    plugin = judge(False)[1]
    hook = plugin.pytest_report_teststatus()
    next(hook)
    with pytest.raises(StopIteration) as end:
        hook.send(("failed", "F", "FAILED"))
    assert end.value.value == ("failed", "", "")


@pytest.mark.parametrize(("reportchars", "kept"), [("", []), ("fE", []), ("P", [1, 2, 3])])
def test_no_report_of_those_that_passed_is_kept_unless_they_are_asked_for(
    reportchars: str, kept: list[int]
) -> None:
    reporter = terminal([], reportchars=reportchars)
    plugin = TargetsProgress(reporter, ["a.py"])
    plugin.show([], judgements([passed("a.py")]))
    assert reporter.stats == {"": [], "passed": kept, "failed": [4, 5]}


def test_the_time_left_is_what_the_targets_so_far_took(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("properties.reports.targets_progress.time.monotonic", lambda: now[0])
    lines: list[str] = []
    plugin = TargetsProgress(terminal(lines), [f"{number}.py" for number in range(60)])
    now[0] = 200.0
    plugin.show([], judgements([passed("0.py"), passed("1.py")]))
    assert lines[-1] == "1.py: conforms; 2 of 60, 1h 36m left"


def test_the_line_on_a_terminal_has_at_most_79_columns() -> None:
    lines: list[str] = []
    name = "a_long_folder/" * 5 + "a.py"
    plugin = TargetsProgress(terminal(lines, isatty=True), [name, "b.py"])
    plugin.show([passed(name)], [])
    assert lines[0].startswith("judged: 0 of 2, now ")
    assert len(lines[0]) <= 79
