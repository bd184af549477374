"""A run that is killed and continued, as often as it takes, gives the report of one that nobody disturbed."""

import json
import os
import random
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from properties.tests.hostile_targets import targets, write
from properties.tests.runs import Run

JUDGED = ("gates.py", "todo.py", "rnn_only.py", "right.py")
LAWS = "can_be_used or lstm_forward and (is_provided or each_step or extreme)"

ONCE_THERE_IS_A_REPORT = """
import os, signal
sent = []

def pytest_runtest_logreport():
    if not sent and os.path.exists("v.json"):
        sent.append(os.kill(os.getpid(), signal.SIGINT))
"""
"""A plugin that interrupts a run as soon as it has written its first report."""


def judge(folder: Path, *options: str) -> Run:
    """A run on what is in a folder."""
    given = ("submissions", "-k", LAWS, "--report", "v.json", "--hypothesis-profile=quick")
    return Run(*given, *options, directory=folder, program="rnn-crosscheck")


def submitted(folder: Path) -> Path:
    (folder / "submissions").mkdir(parents=True)
    write((target for target in targets() if target.name in JUDGED), folder / "submissions")
    return folder


def report(folder: Path) -> Any:
    """The report without its times; `None` where there is none yet."""
    file = folder / "v.json"
    return timeless(json.loads(file.read_text())) if file.exists() else None


def timeless(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: timeless(value) for key, value in part.items() if key != "seconds"}
    return list(map(timeless, part)) if isinstance(part, list) else part


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report of a run that nobody disturbed."""
    folder = submitted(tmp_path_factory.mktemp("calm") / "course")
    done = judge(folder, "--hypothesis-seed=1").end()
    assert done.status == 1, done.output
    return folder


@pytest.mark.parametrize(
    ("workers", "kills"),
    [
        ("0", 2),
        ("1", 1),  # which leaves its worker behind
    ],
)
def test_a_run_that_is_killed_is_continued_as_if_it_were_not(
    calm: Path, tmp_path: Path, workers: str, kills: int
) -> None:
    """It begins again after each kill."""
    stormy = submitted(tmp_path / "course")
    moments = random.Random(int(workers))
    for _ in range(kills):
        running, known = judge(stormy, "-n", workers, "--resume", "--hypothesis-seed=1"), report(stormy)
        running.wait_until(lambda known=known: report(stormy) != known)  # type: ignore[misc]
        time.sleep(moments.uniform(0, 0.5))
        if not running.is_over:
            os.kill(running.pid, signal.SIGKILL)
        running.end()
    assert report(stormy), "no run came as far as to write a report"
    last = judge(stormy, "-n", workers, "--resume").end()  # the seed is in the report
    assert last.status == 1, last.output
    assert "are judged already" in last.output
    assert report(stormy) == report(calm)


@pytest.mark.parametrize("workers", ["0", "1"])
def test_an_interrupt_writes_what_there_is(tmp_path: Path, workers: str) -> None:
    """Takes seconds: a whole run, in one process or two."""
    folder = submitted(tmp_path / "course")
    (folder / "interrupts.py").write_text(ONCE_THERE_IS_A_REPORT)
    status, output = judge(folder, "--report", "v.html", "-n", workers, "-p", "interrupts").end()
    assert status == pytest.ExitCode.INTERRUPTED, output
    (told,) = re.findall(r"^interrupted: \d of 4 judged completely; .*", output, re.M)
    assert told.endswith("v.html; to continue, add --resume to the same command")
    assert "KeyboardInterrupt" not in output
    assert report(folder)["left"]
    assert (folder / "v.html").exists()


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the report of a run that has ended at its first failure."""
    folder = submitted(tmp_path_factory.mktemp("begun") / "course")
    judge(folder, "--hypothesis-seed=1", "-x").end()
    return folder


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hypothesis-seed=2"], "--resume: the report is of a run with seed 1, this one has 2;"),
        (["-m", "spec"], "--resume: the report is of a run with options -k"),
    ],
)
def test_a_run_under_other_circumstances_is_refused(begun: Path, options: list[str], message: str) -> None:
    """Takes a second: a whole run."""
    status, output = judge(begun, "--resume", *options).end()
    assert status == pytest.ExitCode.USAGE_ERROR
    assert message in output
