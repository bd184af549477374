"""Fuzzing as its user runs it: options, failures, the store, and an interrupt."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from properties.fuzz.fuzzing import pytest_configure
from properties.stored.shared import open_database
from properties.stored.store import Store

HERE = Path(__file__).parents[2]

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


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", str(HERE / "properties"), "-p", "no:cacheprovider"]
    return subprocess.Popen(
        [*command, *arguments],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(directory: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of a run in a directory, and what it prints."""
    process = start(directory, *arguments)
    output, _ = process.communicate()
    return process.returncode, output


def options(**given: Any) -> Any:
    others = ("hypothesis_profile", "--reproduce", "--hypothesis-seed", "--resume")
    known = {"--fuzz-for": "5m", **dict.fromkeys(others)}
    return SimpleNamespace(getoption=(known | given).__getitem__)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"--fuzz-for": "soon"}, "--fuzz-for 'soon' is no duration"),
        ({"--fuzz-for": ""}, "--fuzz-for '' is no duration"),
        ({"hypothesis_profile": "ci"}, "leave another one out"),
        ({"--reproduce": "Problem.rnn(...)"}, "leave --reproduce out"),
        ({"--hypothesis-seed": 0}, "leave --hypothesis-seed out"),
        ({"--resume": True}, "leave --resume out"),
    ],
)
def test_options_that_say_something_else_are_a_usage_error(given: dict[str, Any], message: str) -> None:
    with pytest.raises(pytest.UsageError, match=re.escape(message)):
        pytest_configure(options(**given))


def test_without_the_option_nothing_is_prepared() -> None:
    pytest_configure(options(**{"--fuzz-for": None}))


def test_a_file_that_cannot_be_collected_is_an_error_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("def x(:")
    status, output = run(tmp_path, "--fuzz-for", "1s", "test_broken.py", "-k", "shapes")
    assert status == pytest.ExitCode.INTERRUPTED, output
    assert "1 error" in output
    assert "campaign.py" not in output


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A directory in which a faulty implementation was fuzzed, and what came of it."""
    directory = tmp_path_factory.mktemp("fuzzed")
    write(directory)
    laws = "is_provided or rnn_forward and (each_step or test_shapes or cached_inputs)"
    return directory, *run(directory, "--implementation", "faulty.py", "--fuzz-for", "5s", "-k", laws)


def test_a_failure_ends_its_law_alone_and_is_shown_once(fuzzed: tuple[Path, int, str]) -> None:
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
    assert re.search(r"^00m 0\ds: 1 failed, [\d,]+ problems, \d+/s, worst error ", output, re.MULTILINE)
    assert re.search(r"^ +0 +1 +2 +3 to 30 +31 to 100 +over 100$", output, re.MULTILINE)


def test_what_was_found_is_tried_first_in_any_profile(fuzzed: tuple[Path, int, str]) -> None:
    directory, _, _ = fuzzed
    given = ("--implementation", "faulty.py", "-k", "each_step and rnn_forward")
    store = Store(open_database(directory, "", print), "faulty.py", "each step", "rnn_forward")
    for profile in ("dev", "ci"):
        status, output = run(directory, *given, f"--hypothesis-profile={profile}")
        assert status == 1
        assert "n_a=21" in output
        assert [problem.n_a for problem in store] == [21]
    write(directory, condition="False")
    assert run(directory, *given)[0] == 0
    assert not [*store], "what has been mended is forgotten"


def test_an_interrupt_ends_cleanly_with_the_summary_of_all_workers(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    write(tmp_path)
    laws = "rnn_forward and (each_step or test_shapes)"
    process = start(tmp_path, "--implementation", "faulty.py", "-k", laws, "--fuzz-for", "3m", "-n", "2")
    assert process.stdout
    lines = list[str]()
    for line in process.stdout:
        lines.append(line)
        if line.startswith("failed: "):
            os.killpg(process.pid, signal.SIGINT)
            break
    rest, _ = process.communicate()
    output = "".join(lines) + rest
    assert process.returncode == 1, output
    assert "KeyboardInterrupt" not in output
    assert re.search(r"1 failed(, 1 passed)? in|1 tests had no turn", output)  # the other may have had none
    assert "= fuzzing =" in output
    assert len(re.findall("^  problem ", output, re.MULTILINE)) == 1
