"""Fuzzing as its user runs it: options, failures, the store, and an interrupt."""

import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.failure_database.shared import open_database
from properties.failure_database.store import Store
from properties.fuzz import fuzzing
from properties.fuzz.clock import Clock
from properties.fuzz.fuzzing import Turns, pytest_configure
from properties.tests.runs import Run, run

FAULTY = """
import numpy as np
import reference
from reference import rnn_cell_forward, lstm_cell_forward, lstm_forward

def rnn_forward(x, a0, parameters):
    a, y, caches = reference.rnn_forward(x, a0, parameters)
    return (np.where(np.arange(len(a)) < 20, 1, 1.001)[:, None, None] * a if {condition} else a), y, caches
"""
"""Wrong where n_a is beyond what any profile but `fuzz` draws."""


def write(directory: Path, condition: str = "True") -> None:
    (directory / "faulty.py").write_text(FAULTY.format(condition=condition))
    (directory / "unlocated.py").write_text(UNLOCATED)


UNTIL_ALL_HAVE_HAD_TURNS = """
import os, signal
from collections import Counter
from properties.turns.turn import Turn
import unlocated

Turn.SHRINKING = 3600.0  # so that a counterexample is as small on a busy machine
turns, failed = Counter(), set()

def pytest_runtest_logreport(report):
    turns.update([report.nodeid] if "turn" in dict(report.user_properties) else [])
    failed.update([report.nodeid] if report.failed else [])
    others = [count for law, count in turns.items() if law not in failed]
    if failed and len(others) == 2 and min(others) > 1:
        failed.clear()  # so that it is stopped once
        os.kill(os.getpid(), signal.SIGINT)
"""
"""A plugin that stops the clock once a law has failed and the two others have had two turns each."""

UNLOCATED = """
from properties.explanations import failure

explain = failure.explain
failure.explain = lambda trial, **how: explain(trial, **{**how, "locating": False})
"""
"""A plugin that leaves the location of a mistake out, which takes seconds and is of no use here."""


def options(**given: Any) -> Any:
    others = ("hypothesis_profile", "--reproduce", "--hypothesis-seed", "--resume")
    known = {"--fuzz-for": "5m", **dict.fromkeys(others)}
    return SimpleNamespace(getoption=(known | given).__getitem__)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"--fuzz-for": "soon"}, "--fuzz-for 'soon' is not a duration"),
        ({"--fuzz-for": ""}, "--fuzz-for '' is not a duration"),
        ({"hypothesis_profile": "ci"}, "leave out any other profile"),
        ({"--reproduce": "Problem.rnn(...)"}, "leave out --reproduce"),
        ({"--hypothesis-seed": 0}, "leave out --hypothesis-seed"),
        ({"--resume": True}, "leave out --resume"),
    ],
)
def test_options_that_say_something_else_are_a_usage_error(given: dict[str, Any], message: str) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(message)):
        pytest_configure(options(**given))


def test_the_time_to_explain_a_failure_is_not_taken_from_other_laws(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def fails_slowly(item: object, nextitem: object) -> list[Any]:
        nonlocal now
        now += 60
        return [SimpleNamespace(failed=True)]

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(fuzzing, "run_quietly", fails_slowly)
    clock = Clock(5)
    clock.start()
    logged: list[Any] = []
    hooks = SimpleNamespace(pytest_runtest_logreport=lambda report: logged.append(report))
    item: Any = SimpleNamespace(stash={}, ihook=hooks)
    Turns(clock).pytest_runtest_protocol(item, None)
    assert len(logged) == 1
    assert 4 < clock.left <= 5


def test_without_the_option_nothing_is_prepared() -> None:
    pytest_configure(options(**{"--fuzz-for": None}))


def test_a_file_that_cannot_be_collected_is_an_error_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("def x(:")
    fuzz = ("--fuzz-for", "1s", "test_broken.py", "-k", "shapes")
    status, output = run(*fuzz, directory=tmp_path, seed=None)
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "1 error" in output
    assert "campaign.py" not in output


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A directory in which a faulty implementation was fuzzed, and what came of it."""
    directory = tmp_path_factory.mktemp("fuzzed")
    write(directory)
    (directory / "until.py").write_text(UNTIL_ALL_HAVE_HAD_TURNS)
    laws = "is_provided or rnn_forward and (each_step or test_shapes or cached_inputs)"
    fuzz = ("--implementation", "faulty.py", "--fuzz-for", "1h", "-p", "until", "-k", laws)
    return directory, *run(*fuzz, directory=directory, seed=None)


def test_a_failure_ends_its_law_alone_and_is_shown_once(fuzzed: tuple[Path, int, str]) -> None:
    """Takes seconds: a run fuzzes until each law had its turns."""
    _, status, output = fuzzed
    assert status == 1
    smallest = r'Problem.rnn\(n_x=1, n_a=21, n_y=1, m=1, T_x=1, regime="ternary", seed=\d+, dtype="float64"\)'
    line = f"^failed: each step, rnn_forward of faulty.py, {smallest}$"
    assert len(re.findall(line, output, re.MULTILINE)) == 1
    assert len(re.findall(f"^  problem .*{smallest}$", output, re.MULTILINE)) == 1
    assert "1 failed, 6 passed" in output
    assert re.search(r"each step +spec +failed", output)
    counted = dict(re.findall(r"^  (shapes|cached inputs) +spec +(\d+)$", output, re.MULTILINE))
    assert len(counted) == 2
    assert min(map(int, counted.values())) > 1
    assert re.search(r"^\d\dm \d\ds: 1 failed, [\d,]+ problems, \d+/s, worst error ", output, re.MULTILINE)
    assert re.search(r"^ +0 +1 +2 +3 to 30 +31 to 100 +over 100$", output, re.MULTILINE)


def test_what_was_found_is_tried_first_in_any_profile(fuzzed: tuple[Path, int, str]) -> None:
    """Takes a second: three whole runs."""
    directory, _, _ = fuzzed
    given = ("--implementation", "faulty.py", "-k", "each_step and rnn_forward", "-p", "unlocated")
    store = Store(open_database(directory, "", print), "faulty.py", "each step", "rnn_forward")
    for profile in ("dev", "ci"):
        status, output = run(*given, f"--hypothesis-profile={profile}", directory=directory)
        assert status == 1
        assert "n_a=21" in output
        assert [problem.n_a for problem in store] == [21]
    write(directory, condition="False")
    assert run(*given, directory=directory).status == 0
    assert not [*store], "what has been mended is forgotten"


def test_an_interrupt_ends_cleanly_with_the_summary_of_all_workers(tmp_path: Path) -> None:
    """Takes seconds: three processes fuzz until a law fails."""
    pytest.importorskip("xdist")
    write(tmp_path)
    laws = "rnn_forward and (each_step or test_shapes)"
    fuzz = ("--implementation", "faulty.py", "-k", laws, "--fuzz-for", "1h", "-n", "2", "-p", "unlocated")
    fuzzing = Run(*fuzz, directory=tmp_path)
    fuzzing.wait_until(lambda: "\nfailed: " in fuzzing.output)
    fuzzing.interrupt()
    status, output = fuzzing.end()
    assert status == 1, output
    assert "KeyboardInterrupt" not in output
    assert re.search(r"1 failed(, 1 passed)? in|1 tests had no turn", output)  # the other may have had none
    assert "= fuzzing =" in output
    assert len(re.findall("^  problem ", output, re.MULTILINE)) == 1
