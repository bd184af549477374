"""The command `rnn-crosscheck`, in a clone and installed: what pytest does in the clone, anywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from properties.tests.runs import CLONE, Command, Installation, in_clone, run

pytestmark = pytest.mark.slow

ONE = ("--hypothesis-seed=1", "-k", "rnn_cell_forward and shapes")
WRONG = ("-q", "--hypothesis-seed=1", "-k", "rnn_cell_forward and extreme")
OPTIONS = ("--time-limit", "7", "--memory-limit", "3", "--python", sys.executable)
SMALL = "Problem.rnn(n_x=1, n_a=2, n_y=2, m=1, T_x=1)"


@pytest.fixture(params=["clone", "installed"])
def command(request: pytest.FixtureRequest) -> Command:
    return in_clone() if request.param == "clone" else request.getfixturevalue("wheel").command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a user works, with names that are ours too, and settings that none of our runs could bear."""
    for name in ("reference", "oracle", "properties", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('{name} of the user was imported')\n")
    (tmp_path / "conftest.py").write_text("raise SystemExit('conftest.py of the user was imported')\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nope\nfilterwarnings = error\n")
    shutil.copy(CLONE / "examples" / "textbook.py", tmp_path / "my rnn.py")
    return tmp_path


def test_the_help_fits_one_screen_and_shows_our_options_first(command: Command, tmp_path: Path) -> None:
    """Takes a second where an installed command starts PyTorch."""
    done = command.run("--help", directory=tmp_path, COLUMNS="80")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    shown = re.findall(r"^  (--?[\w-]+)", done.stdout, re.MULTILINE)
    ours = re.findall(r'"(--[\w-]+)",', (CLONE / "conftest.py").read_text())
    assert {*ours} - {"--implementation"} == {*shown[: len(ours) - 1]}
    assert "-k" in shown[len(ours) - 1 :]


def test_it_tells_its_version(command: Command, tmp_path: Path) -> None:
    done = command.run("--version", directory=tmp_path)
    assert re.fullmatch(r"rnn-crosscheck \d+\.\d+\.\d+\n", done.stdout)


def seed_of(*options: str, **how: Any) -> str:
    """The seed in the header of a run without a seed."""
    status, output = run("--collect-only", *options, seed=None, **how)
    assert status == 0, output
    found = re.search(r"seed\s+(\d+)", output)
    assert found, output
    return found[1]


def test_all_runs_of_a_day_draw_the_same_problems() -> None:
    before = date.today()
    seed = seed_of(program="rnn-crosscheck")
    assert seed in [f"{day:%Y%m%d}" for day in (before, date.today())]
    assert seed_of("--hypothesis-profile=ci", program="rnn-crosscheck") == "0"


def test_each_run_of_pytest_draws_other_problems() -> None:
    assert len({seed_of(), seed_of(), f"{date.today():%Y%m%d}"}) == 3
    assert seed_of("--hypothesis-profile=ci") == "0"


def test_a_reader_that_ends_early_gets_no_traceback() -> None:
    """Takes some seconds: a whole run."""
    words = [sys.executable, "-m", "rnn_crosscheck", "reference", *ONE]
    with subprocess.Popen(
        words, cwd=CLONE, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert not process.stderr.read()
    assert process.returncode == 1


def test_what_a_user_has_changes_nothing(command: Command, folder: Path) -> None:
    """Takes a second: a whole run."""
    variables = {"PYTEST_ADDOPTS": "--nope", "PYTEST_PLUGINS": "nope"}
    done = command.run(*ONE, directory=folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  (rnn_crosscheck\.)?reference +conforms", done.stdout, re.MULTILINE)


def test_what_a_user_has_changes_nothing_in_workers(wheel: Installation, folder: Path) -> None:
    """Takes seconds: the installed command starts three processes."""
    variables = {"PYTEST_ADDOPTS": "--nope", "PYTEST_PLUGINS": "nope"}
    done = wheel.command.run(*ONE, "my rnn.py", "-n", "2", directory=folder, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  my rnn.py +conforms", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("more", [(), ("-n", "2")])
def test_the_header_shows_nothing_of_our_own_pytest(folder: Path, more: tuple[str, ...]) -> None:
    """Takes a second: a whole run, in three processes or one."""
    shown = in_clone().run(*ONE, "my rnn.py", *more, directory=folder).stdout.partition("laws =")[0]
    assert not re.search(
        r"configfile|rootdir|session starts|plugins|laws/|\bitems?\b|workers|deselected", shown
    )
    assert "implementation: my rnn.py" in shown


def test_a_target_finds_its_own_modules_whatever_they_are_called(command: Command, tmp_path: Path) -> None:
    """Takes a second: a whole run."""
    shutil.copy(CLONE / "examples" / "textbook.py", tmp_path / "reference.py")
    for name in ("oracle", "properties"):
        (tmp_path / f"{name}.py").write_text("WHOSE = 'theirs'\n")
    (tmp_path / "mine.py").write_text(
        "import oracle, properties, reference\nfrom reference import rnn_cell_forward\n"
        "assert oracle.WHOSE == properties.WHOSE == 'theirs'\nassert 'textbook' in reference.__doc__\n"
    )
    done = command.run(*ONE, "mine.py", directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("my rnn.py", "-k", "rnn_cell_forward and shapes", "-m", "spec"), 0, "1 passed"),
        (("my rnn.py", "--reproduce", SMALL, "-k", "rnn_cell_forward and shapes"), 0, "2 passed"),
        (("--fuzz-for", "1s", "-k", "rnn_cell_forward and shapes"), 0, " passed"),
        (("nope.py",), 4, "ERROR: no file 'nope.py'"),
        (("--nope",), 4, "ERROR: unrecognized arguments: --nope (see rnn-crosscheck --help)"),
        (("-k", "of_no_such_name"), 5, "no law ran, because -k of_no_such_name selects none"),
    ],
)
def test_the_options_and_the_exit_status_are_those_of_pytest(
    folder: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    """Takes a second: a whole run."""
    done = in_clone().run(*arguments, directory=folder)
    assert done.returncode == status, done.stdout + done.stderr
    assert message in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("argument", "status", "output"),
    [("--version", 0, "rnn-crosscheck "), ("nope.py", 4, "no file 'nope.py'")],
)
def test_the_process_ends_with_the_exit_status_and_all_output(
    argument: str, status: int, output: str
) -> None:
    """Takes a second: it starts an interpreter, where other tests call a function."""
    command = [sys.executable, "-m", "rnn_crosscheck", argument]
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, cwd=CLONE, env=buffered, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    assert output in done.stdout + done.stderr


def test_an_interrupt_at_the_start_prints_no_traceback() -> None:
    """Takes a second: it starts an interpreter."""
    code = (
        "import signal; from properties.session import command; from rnn_crosscheck.__main__ import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # a job in the background ignores it
        "command.main = lambda: signal.raise_signal(signal.SIGINT); exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize("use", ["rnn_crosscheck.__main__.main()", "import properties.worker.messages"])
def test_on_windows_one_line_says_which_systems_it_needs(use: str) -> None:
    """The command and the worker, in a process that lacks what Windows lacks."""
    lacking = ["import os, signal, sys, rnn_crosscheck.__main__", "sys.modules['resource'] = None"]
    lacking += ["os.name, sys.platform = 'nt', 'win32'", "del signal.SIGUSR1, signal.setitimer, os.fork"]
    code = "\n".join([*lacking, use])
    done = subprocess.run([sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True)
    told = "rnn-crosscheck needs Linux, macOS or WSL (the Windows Subsystem for Linux)"
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] in (f"ERROR: {told}", f"ImportError: {told}")
    assert use.startswith("import") or len(done.stderr.splitlines()) == 1


def test_a_failure_and_an_unusable_target_are_told_by_workers(wheel: Installation, folder: Path) -> None:
    """Takes seconds: the installed command starts three processes, one of which explains a failure."""
    done = wheel.command.run("my rnn.py", "conftest.py", "-n", "2", *WRONG, directory=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 skipped" in done.stdout


def test_no_name_of_a_folder_is_selected(tmp_path: Path) -> None:
    done = in_clone().run("-k", "rnn and crosscheck or tmp or python3", "--collect-only", directory=tmp_path)
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, done.stdout


@pytest.fixture(scope="module")
def judged(wheel: Installation, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the installed command found a failure and wrote a report, and its output."""
    folder = tmp_path_factory.mktemp("judged")
    shutil.copy(CLONE / "examples" / "textbook.py", folder / "my rnn.py")
    done = wheel.command.run("my rnn.py", *WRONG, *OPTIONS, "--report=installed.json", directory=folder)
    assert done.returncode == 1, done.stdout + done.stderr
    return folder, done.stdout


def judged_in_clone(folder: Path, *more: str) -> str:
    """The output of pytest in the clone on the same target, when no failure is stored."""
    shutil.rmtree(folder / ".hypothesis", ignore_errors=True)
    status, output = run("--implementation", "my rnn.py", *WRONG, *OPTIONS, *more, directory=folder)
    assert status == 1, output
    return output


def test_a_report_is_that_of_pytest_in_the_clone(judged: tuple[Path, str]) -> None:
    """Takes a second: it explains a failure twice."""
    folder, _ = judged
    judged_in_clone(folder, "--report=clone.json")
    in_clone, installed = (
        _without_what_may_differ(folder / f"{name}.json") for name in ("clone", "installed")
    )
    assert in_clone == installed


def _without_what_may_differ(report: Path) -> Any:
    content = json.loads(report.read_text())
    for law in content["implementations"][0]["laws"]:
        del law["seconds"]
        law["message"] = re.sub(r"(?m)^  reproduce .*$", "", law["message"])
    return content


def test_the_line_that_a_failure_prints_brings_it_back(wheel: Installation, judged: tuple[Path, str]) -> None:
    """Takes seconds: a shell starts the installed command, which explains a failure again."""
    _bring_back(judged[1], "rnn-crosscheck", "", wheel.command, judged[0])


def test_so_does_the_line_of_pytest_in_the_clone(tmp_path: Path) -> None:
    """Takes seconds: a shell starts pytest, which explains a failure again."""
    shutil.copy(CLONE / "examples" / "textbook.py", tmp_path / "my rnn.py")
    printed = judged_in_clone(tmp_path)
    _bring_back(printed, f"pytest {CLONE / 'properties'}", "--implementation ", in_clone(), tmp_path)


def _bring_back(printed: str, program: str, before_target: str, command: Command, folder: Path) -> None:
    line = re.search(r"^  reproduce +(.*)$", printed, re.MULTILINE)
    assert line, printed
    expected = (
        f"{program} {' '.join(OPTIONS)} {before_target}'my rnn.py' -k rnn_cell_forward --reproduce 'Prob"
    )
    assert line[1].startswith(expected)
    shutil.rmtree(folder / ".hypothesis", ignore_errors=True)
    again = command.shell(line[1], folder)
    assert again.returncode == 1, again.stdout + again.stderr
    assert re.search(rf"^{re.escape(line[0])}$", again.stdout, re.MULTILINE)
    assert "extreme magnitudes (a robust law)" in again.stdout
    assert "looks like      the softmax subtracts no maximum and overflows" in again.stdout
