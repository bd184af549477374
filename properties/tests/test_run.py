"""The harness as its user runs it: what it prints, and how it ends."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).parents[2]
FAULT = "oracle.faults:update_and_forget_gates_exchanged"


def run(*arguments: str, directory: Path | None = None) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", str(HERE / "properties"), "-p", "no:cacheprovider"]
    command += ["--hypothesis-seed=1", *arguments]
    with TemporaryDirectory() as elsewhere:  # where no failure is stored from before
        done = subprocess.run(
            command,
            cwd=directory or elsewhere,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "CI": "true"},
        )
    return done.returncode, done.stdout + done.stderr


def test_the_picture_in_the_readme_is_what_a_failure_looks_like() -> None:
    status, output = run("--implementation", FAULT, "-k", "test_trajectory and lstm_forward")
    picture = re.search(r"```\n(lstm_forward of .*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    assert status == 1
    assert picture
    for line in picture[1].splitlines():
        if not line.startswith(("  reproduce", "  torch", "  exact", "  off by")):  # digits vary by library
            assert line in output


def test_the_textbook_conforms_and_is_not_robust_where_its_softmax_overflows() -> None:
    textbook = ("--implementation", str(HERE / "examples" / "textbook.py"), "-k", "rnn_cell_forward")
    status, output = run(*textbook, "-m", "spec")
    assert status == 0, output
    status, output = run(*textbook)
    assert status == 1
    failed = set(re.findall(r"FAILED \S*::test_(\w+)", output))
    assert "extreme_magnitudes" in failed
    assert failed <= {"extreme_magnitudes", "lower_precision"}  # in float16 one time in ten none overflows
    assert output.count("looks like      the softmax subtracts no maximum and overflows") == len(failed)


def test_a_failure_is_reproduced_by_the_line_that_it_prints(tmp_path: Path) -> None:
    selected = ("--implementation", FAULT, "-k", "test_each_step and lstm_cell_forward")
    _, output = run(*selected)
    problem = re.search(r"^  problem +(.*)$", output, re.MULTILINE)
    assert problem
    status, again = run(*selected, "--reproduce", problem[1])
    assert status == 1
    assert problem[0] in again
    assert run("-k", "test_each_step and lstm_cell_forward", "--reproduce", problem[1])[0] == 0


def test_paths_are_taken_from_where_the_command_runs(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "my_rnn.py").write_text((HERE / "examples" / "textbook.py").read_text())
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")  # settings of its own
    selected = ("-k", "test_shapes or can_be_used")
    status, output = run("--implementation", "src/my_rnn.py", *selected, directory=tmp_path)
    assert status == 0, output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--implementation", "nope.py"), "no file 'nope.py'"),
        (("--implementation", "reference:nope"), "'reference' has no attribute 'nope'"),
        (("--reproduce", "Problem.gru()"), "'Problem.gru()' is no problem"),
    ],
)
def test_what_does_not_exist_is_a_usage_error_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    status, output = run(*arguments)
    assert status == pytest.ExitCode.USAGE_ERROR
    assert output.startswith(f"ERROR: {message}")
    assert len(output.strip().splitlines()) == 1


def test_what_cannot_be_used_fails_with_one_message(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    status, output = run("--implementation", "broken.py", directory=tmp_path)
    assert status == 1
    assert "1 failed" in output
    assert "broken.py cannot be imported: ModuleNotFoundError" in output
    assert "Traceback" not in output
