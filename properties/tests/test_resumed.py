"""A run that is killed and continued, as often as it takes, gives the report of one that nobody disturbed."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from properties.tests.hostile_targets import targets, write

CLONE = Path(__file__).parents[2]
JUDGED = ("textbook.py", "gates.py", "todo.py", "rnn_only.py", "right.py")
LAWS = "can_be_used or lstm_forward and (is_provided or each_step or split or extreme)"


def run(folder: Path, *options: str) -> "subprocess.Popen[str]":
    """A run on what is in a folder, with a group of processes of its own."""
    command = [sys.executable, "-m", "rnn_crosscheck", "submissions", "-k", LAWS, "--report", "v.json"]
    command += ["--hypothesis-profile=quick", *options]
    environment = {**os.environ, "PYTHONPATH": str(CLONE)}
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # Who runs in the background of a script, as CI may, is not interrupted, and nor is what it starts.
    how["preexec_fn"] = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **how)


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


@pytest.mark.parametrize("cores", ["0", "2"])
def test_a_run_that_is_killed_is_continued_as_if_it_were_not(tmp_path: Path, cores: str) -> None:
    calm, stormy = submitted(tmp_path / "calm"), submitted(tmp_path / "stormy")
    undisturbed = run(calm, "-n", cores, "--hypothesis-seed=1")
    output, _ = undisturbed.communicate()
    moments = random.Random(int(cores))
    for kill in (os.killpg, os.kill, os.killpg):  # with its workers, or those left behind
        process = run(stormy, "-n", cores, "--resume", "--hypothesis-seed=1")
        known = report(stormy)
        while process.poll() is None and report(stormy) == known:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 1))
        if process.poll() is None:
            kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert report(stormy), "no run came as far as to write a report"
    last = run(stormy, "-n", cores, "--resume")  # the seed is in the report
    again, _ = last.communicate()
    assert last.returncode == undisturbed.returncode == 1, output + again
    assert "are judged already" in again
    assert report(stormy) == report(calm)
    assert not [*stormy.glob(".hypothesis/as-it-began/*")]


@pytest.mark.parametrize("cores", ["0", "2"])
def test_an_interrupt_writes_what_there_is(tmp_path: Path, cores: str) -> None:
    folder = submitted(tmp_path / "course")
    process = run(folder, "--report", "v.html", "-n", cores)
    while process.poll() is None and not report(folder):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    (told,) = re.findall(r"^interrupted: \d of 5 judged to the end; .*", output, re.M)
    assert told.endswith("v.html; to continue, run the same command with --resume")
    assert "KeyboardInterrupt" not in output
    assert report(folder)["left"]
    assert (folder / "v.html").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hypothesis-seed=2"], "--resume: the report is of a run with seed 1, this one has 2;"),
        (["-m", "spec"], "--resume: the report is of a run with options -k"),
        (
            ["--fuzz-for", "1s", "--hypothesis-profile=fuzz"],
            "--fuzz-for draws ever new problems; leave --resume out",
        ),
    ],
)
def test_a_run_under_other_circumstances_is_refused(tmp_path: Path, options: list[str], message: str) -> None:
    folder = submitted(tmp_path / "course")
    if not options[0].startswith("--fuzz"):
        run(folder, "--hypothesis-seed=1", "-x").communicate()
    process = run(folder, "--resume", *options)
    output, _ = process.communicate()
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in output
