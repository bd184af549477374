"""What the README and the page on reports tell users to run runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from properties.reports.json_report import as_json
from properties.tests.results import passed, run_of
from properties.tests.runs import CLONE, Installation, run

README, REPORT = ((CLONE / page).read_text(encoding="utf-8") for page in ("README.md", "docs/report.md"))
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README + REPORT, re.DOTALL)
    for line in block.splitlines()
]
BY_CI = {  # which needs a network
    "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/pytest properties",
    "python3 -m venv .venv && .venv/bin/pip install -q -e '.[dev]' && .venv/bin/pytest -n auto",
    "pip install https://github.com/OWNER/rnn-crosscheck/archive/main.zip",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the targets and reports that the pages name."""
    folder = tmp_path_factory.mktemp("user")
    for name in ("examples", "submissions"):
        shutil.copytree(CLONE / "examples", folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CLONE / "examples" / "textbook.py", folder / "my_rnn.py")
    for name in ("part-1", "part-2"):
        (folder / f"{name}.json").write_text(as_json(run_of([passed(f"{name}.py")])))
    return folder


def test_what_only_ci_runs_is_still_told() -> None:
    assert {*COMMANDS} >= BY_CI


@pytest.mark.parametrize("line", [line for line in dict.fromkeys(COMMANDS) if line not in BY_CI])
def test_a_command_does_what_it_should(folder: Path, line: str) -> None:
    """Takes a second: a whole run, in workers too."""
    program, *words = shlex.split(line)
    if program == "pytest":
        assert words.pop(0) == "properties"
    words = ["1s" if word == "10m" else word for word in words]
    few = ("-k", "shapes and (rnn_cell or lstm_cell)") if words[0] != "merge" else ()
    status, output = run(*words, *few, directory=folder, seed=None, program=program)
    assert status == 0, output
    assert "conforms" in output or "--reproduce" in words


@pytest.mark.parametrize("program", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_a_problem_can_be_looked_at(program: str) -> None:
    found: dict[str, object] = {}
    exec(program, found)
    assert {"x", "a0", "parameters"} <= found.keys()


def test_ones_own_suite_judges(wheel: Installation, folder: Path) -> None:
    """Both programs of the page run where the wheel is installed: a suite of one's own, and `judge`.

    Takes seconds: each of them starts processes that import PyTorch.
    """
    suite, program = re.findall(r"```python\n(.*?)```", REPORT, re.DOTALL)
    few = '"-k", "test_shapes and rnn_cell_forward"'
    (folder / "test_mine.py").write_text(suite.replace('"-m", "spec"', few))
    (folder / "program.py").write_text(program.replace('"-m", "spec"', few))
    ran = wheel.command.shell("python -m pytest -q test_mine.py", folder)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    done = wheel.command.shell("python program.py", folder)
    assert done.stdout == "conforms\n", done.stdout + done.stderr
