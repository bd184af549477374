"""Fuzzing: options, the shares of the laws, failures, the store, and an interrupt."""

import os
import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from properties.failure_database.store import DIRECTORY, Store
from properties.session.options import fuzzing_time
from properties.tests.runs import Run, run
from properties.turns.records import FILE, records_in

pytestmark = pytest.mark.slow

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
    (directory / "small.py").write_text(SMALL)
    (directory / "interrupt.py").write_text(INTERRUPT)


LAWS = "is_provided or rnn_forward and (each_step or test_shapes or cached_inputs)"

SMALL = """
from properties.turns import records
from properties.turns.turn import Turn
Turn.SHRINKING = 3600.0
records.SECONDS = 0.1
"""
"""A plugin that lets a counterexample become as small on a busy machine, and stores often what was done."""

INTERRUPT = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_logreport(report, seen=set()):
    yield
    for name, _ in report.user_properties:
        if name == "found" and name not in seen:
            seen.add(name)
            raise KeyboardInterrupt
"""
"""A plugin that interrupts the run when the first failure is found."""

UNLOCATED = """
from properties.explanations import failure

explain = failure.explain
failure.explain = lambda trial, **how: explain(trial, **{**how, "locating": False})
"""
"""A plugin that leaves the location of a mistake out, which takes seconds and is of no use here."""


def options(**given: Any) -> Any:
    others = ("hypothesis_profile", "--reproduce", "--hypothesis-seed", "--since")
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
        ({"--since": "r.json"}, "leave out --since"),
    ],
)
def test_options_that_say_something_else_are_a_usage_error(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        fuzzing_time(options(**given))


def test_a_file_that_cannot_be_collected_is_an_error_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("def x(:")
    fuzz = ("--fuzz-for", "1s", "test_broken.py", "-k", "shapes")
    status, output = run(*fuzz, directory=tmp_path, seed=None)
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "1 error" in output
    assert "law_runs.py" not in output


def duration(text: str) -> float:
    return fuzzing_time(options(**{"--fuzz-for": text}))


@given(st.integers(1, 999), st.sampled_from(["s", "m", "h", "d"]))
def test_a_duration_is_a_number_and_a_unit(number: int, unit: str) -> None:
    assert duration(f"{number}{unit}") == number * {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert duration(f"0.5{unit}") == duration(f"1{unit}") / 2


@pytest.mark.parametrize("text", ["", "10", "m", "-5m", "0s", "5 m", "1h30m", "nanm", "1e3s", "5M"])
def test_what_is_no_duration_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 90s, 10m, 4h or 2d"):
        duration(text)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A directory in which a faulty implementation was fuzzed, and the result."""
    directory = tmp_path_factory.mktemp("fuzzed")
    write(directory)
    fuzz = ("--implementation", "faulty.py", "--fuzz-for", "8s", "-p", "small", "-k", LAWS)
    return directory, *run(*fuzz, directory=directory, seed=None)


def test_a_failure_is_shrunk_and_the_other_laws_hold(fuzzed: tuple[Path, int, str]) -> None:
    """Takes seconds: a run fuzzes until a mistake is found."""
    _, status, output = fuzzed
    assert status == 1, output
    smallest = r'Problem.rnn\(n_x=1, n_a=21, n_y=1, m=1, T_x=1, regime="ternary", seed=\d+, dtype="float64"\)'
    assert len(re.findall(f"^  problem .*{smallest}$", output, re.MULTILINE)) == 1
    assert "1 failed, 6 passed" in output
    assert re.search(r"each step +spec +failed", output)
    counted = dict(re.findall(r"^  (shapes|cached inputs) +spec +(\d+)$", output, re.MULTILINE))
    assert len(counted) == 2


def test_what_was_found_is_tried_first_in_any_profile(fuzzed: tuple[Path, int, str]) -> None:
    """Takes a second: three whole runs."""
    directory, _, _ = fuzzed
    given = ("--implementation", "faulty.py", "-k", "each_step and rnn_forward", "-p", "unlocated")
    store = Store(
        DirectoryBasedExampleDatabase(directory / DIRECTORY), "faulty.py", "each step", "rnn_forward"
    )
    for profile in ("dev", "ci"):
        status, output = run(*given, f"--hypothesis-profile={profile}", directory=directory)
        assert status == 1
        assert "n_a=21" in output
        assert [problem.n_a for problem in store] == [21]
    write(directory, condition="False")
    assert run(*given, directory=directory).status == 0
    assert not [*store], "what has been mended is forgotten"


def test_a_failure_is_printed_once_and_at_once(fuzzed: tuple[Path, int, str]) -> None:
    _, _, output = fuzzed
    before, _, after = output.partition("= laws =")
    assert before.count("rnn_forward of faulty.py: each step (a spec law)") == 1
    assert "(a spec law)" not in after


def test_a_killed_run_is_continued(fuzzed: tuple[Path, int, str]) -> None:
    """Takes seconds: two runs begin to fuzz."""
    directory, _, _ = fuzzed
    write(directory, condition="False")
    (directory / FILE).unlink(missing_ok=True)
    fuzz = ("--implementation", "faulty.py", "-k", "shapes and rnn_forward", "-p", "small")
    killed = Run(*fuzz, "--fuzz-for", "1h", directory=directory)
    killed.wait_until((directory / FILE).exists)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.end()
    status, output = run(*fuzz, "--fuzz-for", "0.1s", directory=directory, seed=None)
    assert status == 0
    assert re.search(r"^continuing: [\d,]+ problems in 0m \d\ds, 0 failures$", output, re.MULTILINE), output


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_with_x_the_first_failure_ends_the_run(workers: tuple[str, ...], tmp_path: Path) -> None:
    """Takes seconds: two workers start."""
    write(tmp_path)
    laws = "rnn_forward and (each_step or shapes)"
    fuzz = (
        "--implementation",
        "faulty.py",
        "-k",
        laws,
        "--fuzz-for",
        "1h",
        "-x",
        "-n",
        "2",
        "-p",
        "unlocated",
    )
    status, output = run(*fuzz, directory=tmp_path, seed=None)
    assert status == 1, output
    assert len(re.findall("^  problem ", output, re.MULTILINE)) == 1
    assert re.search(r"each step +spec +failed", output)
    assert not re.search(r"shapes +spec +0", output), "a law that was not asked does not hold"


def test_workers_share_the_laws(tmp_path: Path) -> None:
    """Takes seconds: two workers start."""
    write(tmp_path, condition="False")
    fuzz = ("--implementation", "faulty.py", "-k", LAWS, "--fuzz-for", "2s", "-n", "2")
    status, output = run(*fuzz, directory=tmp_path, seed=None)
    assert status == 0, output
    assert "7 passed" in output
    assert len(records_in((tmp_path / FILE).read_text())) == 3


def test_an_interrupt_shows_what_was_found(tmp_path: Path) -> None:
    """Takes seconds: a run fuzzes until a law fails."""
    write(tmp_path)
    laws = "rnn_forward and (each_step or exact_value)"
    plugins = ("-p", "small", "-p", "unlocated", "-p", "interrupt")
    fuzz = ("--implementation", "faulty.py", "-k", laws, "--fuzz-for", "1h", *plugins)
    status, output = run(*fuzz, directory=tmp_path, seed=None)
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert len(re.findall("^  problem ", output, re.MULTILINE)) == 1
    assert re.search(r"each step +spec +failed", output)
