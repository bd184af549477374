"""How far fuzzing has come, on a terminal and elsewhere."""

import re
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis.database import DirectoryBasedExampleDatabase

from oracle.problems.problem import Problem
from properties.failure_database.store import DIRECTORY, Store
from properties.reports.fuzzing_progress import MOST_FAILURES, SECONDS, FuzzingProgress, duration
from properties.tests.results import failed
from properties.turns.records import Record

TESTS = [f"properties/laws/test_a.py::test_{law}[my.py-lstm_forward]" for law in ("each_step", "shapes")]


class Terminal:
    """What of pytest's terminal is made use of."""

    showfspath = True

    def __init__(self, isatty: bool) -> None:
        self.isatty = isatty
        self.lines: list[str] = []
        self.file = StringIO()
        self._tw = SimpleNamespace(_file=self.file)

    def write_line(self, line: str) -> None:
        self.lines.append(line)


def a_record(ratio: float = 0.25) -> dict[str, Any]:
    record = Record(seconds=3.0)
    record.add(ratio)
    return record.as_dict()


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr("properties.reports.fuzzing_progress.time.monotonic", lambda: time[0])
    return time


def progress(folder: Path, isatty: bool = False) -> tuple[FuzzingProgress, Terminal]:
    terminal: Any = Terminal(isatty)
    return FuzzingProgress(terminal, 600.0, folder, TESTS), terminal


def test_elsewhere_a_line_is_printed_every_half_minute(tmp_path: Path, now: list[float]) -> None:
    shown, terminal = progress(tmp_path)
    now[0] += SECONDS - 1
    shown.update({TESTS[0]: a_record()})
    assert terminal.lines == []
    now[0] += 1
    shown.update({})
    assert terminal.lines == [
        "9m 30s left: 1 problems (0/s), 1 laws of 1 functions, 0 failed\n"
        "largest error: 0.25 of its bound (each step, lstm)\n"
        "laws whose last turn raised their largest error: 1"
    ]
    shown.update({})
    assert len(terminal.lines) == 1


def test_a_terminal_shows_the_time_the_problems_and_the_failures_in_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    shown, terminal = progress(tmp_path, isatty=True)
    for number in range(9):
        shown.found[f"{TESTS[0]}{number}"] = failed("my.py", function="lstm_forward")
    shown.update({TESTS[0]: a_record(), TESTS[1]: a_record(0.5) | {"idle": 1}})
    shown.end()
    bar, *lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.file.getvalue()).splitlines()
    assert re.fullmatch("━{60,} 9m 59s left", bar)
    assert max(map(len, [bar, *lines])) <= 80
    assert re.fullmatch(r"2 problems \(\d+/s\), 2 laws of 1 functions, 9 failed", lines[0])
    assert lines[1:3] == [
        "largest error: 0.50 of its bound (shapes, lstm)",
        "laws whose last turn raised their largest error: 1",
    ]
    assert [", lstm: Problem." in line for line in lines[3:6]] == [True] * MOST_FAILURES


def test_before_the_first_problem_no_largest_error_is_shown(tmp_path: Path, now: list[float]) -> None:
    shown, terminal = progress(tmp_path)
    now[0] += SECONDS
    shown.update({})
    assert terminal.lines == ["9m 30s left: 0 problems (0/s), 0 laws of 0 functions, 0 failed"]


def test_the_display_names_the_law_and_the_function_of_a_failure(tmp_path: Path) -> None:
    """The lines of a cell and of its sequence were the same, since what is too long is cut."""
    shown, _ = progress(tmp_path)
    shown.found[TESTS[0]] = failed("my.py", "each step", "lstm_cell_forward")
    (line,) = [line for line in shown.lines() if "Problem" in line]
    assert line.startswith("  each step, lstm cell: Problem.")
    assert line.endswith('seed=0, dtype="float64")')
    assert len(line) <= 79


def test_a_mistake_is_printed_once(tmp_path: Path) -> None:
    shown, terminal = progress(tmp_path)
    for nodeid in TESTS:
        shown.add_failure(nodeid, failed("my.py", function="lstm_forward"))
    assert len(terminal.lines) == 1
    assert len(shown.found) == 2


def test_a_later_run_says_what_was_done_and_counts_its_own_rate(tmp_path: Path, now: list[float]) -> None:
    first, _ = progress(tmp_path)
    first.update(dict.fromkeys(TESTS, a_record()))
    first.end()
    database = DirectoryBasedExampleDatabase(tmp_path / DIRECTORY)
    Store(database, "my.py", "shapes", "lstm_forward").add(Problem.lstm(n_x=1, n_a=1, n_y=1, m=1, T_x=1))
    again, terminal = progress(tmp_path)
    assert terminal.lines == ["continuing: 2 problems in 0m 06s, 1 failure"]
    now[0] += SECONDS
    again.update({})
    assert "2 problems (0/s)" in terminal.lines[-1]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0m 00s"), (59.9, "0m 59s"), (61, "1m 01s"), (3720, "1h 02m"), (86400 * 2 + 3600, "2d 01h")],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
