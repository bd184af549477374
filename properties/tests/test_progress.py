"""How far the judging of many has come, on a terminal and elsewhere."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import pytest

from properties.reports.collected_results import CollectedResults
from properties.reports.judgement import judgements
from properties.reports.progress import ProgressPlugin
from properties.reports.results import LawResult
from properties.reports.test_ids import implementation_in
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
        stats={"": [0], "passed": [1, 2, 3], "failed": [4, 5]},
        reportchars=reportchars,
        config=SimpleNamespace(option=SimpleNamespace(durations=None)),
    )


def judge(isatty: bool, *results: tuple[str, LawResult]) -> tuple[list[str], ProgressPlugin]:
    """The lines that are written while these results come in."""
    lines: list[str] = []
    reporter = terminal(lines, isatty)
    names = ["class/a.py", "class/b[1].py"]
    plugin = ProgressPlugin(reporter, names)
    gathered = CollectedResults(["class/a.py", "class/b[1].py"])
    gathered.expect(IDS)
    gathered.expect(IDS)  # as from a second worker
    plugin.begin()
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
    assert list(map(implementation_in, IDS)) == ["class/a.py", "class/b[1].py", "class/a.py"]


def test_each_implementation_gets_a_line_when_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    lines, _ = judge(False, *RESULTS)
    assert lines == [
        "b[1].py: differs (1 law failed); 1 of 2",
        "a.py: conforms; 2 of 2",
    ]
    assert capsys.readouterr().out == ""


def test_one_that_is_not_done_gets_none() -> None:
    assert judge(False, RESULTS[0])[0] == []


def test_a_terminal_shows_what_is_done_and_what_is_at_hand(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "100")
    lines, _ = judge(True, *RESULTS)
    shown = capsys.readouterr().out
    assert lines == []
    for state in ("0/2", "1/2", "2/2", "now a.py", "now b[1].py"):
        assert state in shown


def test_a_letter_for_each_test_is_not_written_but_counts() -> None:
    plugin = judge(False)[1]
    hook = plugin.pytest_report_teststatus()
    next(hook)
    with pytest.raises(StopIteration) as end:
        hook.send(("failed", "F", "FAILED"))
    assert end.value.value == ("failed", "", "")


@pytest.mark.parametrize(("reportchars", "kept"), [("", [1, 1, 1]), ("fE", [1, 1, 1]), ("P", [1, 2, 3])])
def test_of_those_that_passed_one_report_is_kept_unless_they_are_asked_for(
    reportchars: str, kept: list[int]
) -> None:
    reporter = terminal([], reportchars=reportchars)
    plugin = ProgressPlugin(reporter, ["a.py"])
    plugin.show([], judgements([passed("a.py")]))
    assert reporter.stats == {"": [], "passed": kept, "failed": [4, 5]}
