"""The wheel: one import name, which nothing is written to and nobody's target finds."""

import re
from pathlib import Path

import pytest

from properties.tests.runs import Installation

pytestmark = pytest.mark.slow

ONE = ("--hypothesis-seed=1", "-k", "rnn_cell_forward and shapes or can_be_used")


def test_it_has_one_name_and_everything_that_it_needs(wheel: Installation) -> None:
    modules = wheel.modules
    brought = {path.name for path in modules.iterdir()} - {"packages.pth"}
    assert brought == {"rnn_crosscheck", *(path.name for path in modules.glob("rnn_crosscheck-*.dist-info"))}
    assert {path.suffix for path in modules.glob("rnn_crosscheck/**/*") if path.is_file()} == {
        ".py",
        ".pyc",
        ".jinja",
        ".typed",
    }
    assert not [*modules.glob("rnn_crosscheck/**/tests")]


def test_no_module_of_it_imports_by_a_name_of_the_clone(wheel: Installation) -> None:
    for path in wheel.modules.glob("rnn_crosscheck/**/*.py"):
        assert not re.search(r"^\s*(from|import) (reference|oracle|properties)\b", path.read_text(), re.M), (
            path
        )


def test_nothing_is_written_where_it_is_installed(wheel: Installation, tmp_path: Path) -> None:
    """Takes seconds: an installed command starts PyTorch in three processes."""
    before = {path: path.stat().st_mtime_ns for path in wheel.modules.rglob("*")}
    done = wheel.command.run(*ONE, "-n", "2", "--report=r.html", directory=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: path.stat().st_mtime_ns for path in wheel.modules.rglob("*")} == before
    assert {path.name for path in tmp_path.iterdir()} <= {"r.html", ".hypothesis"}


def test_a_target_that_has_no_oracle_finds_none(wheel: Installation, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import oracle\n")
    done = wheel.command.run("mine.py", *ONE, directory=tmp_path)
    assert done.returncode == 1
    assert "mine.py cannot be imported: ModuleNotFoundError: No module named 'oracle'" in done.stdout


def test_it_is_a_module_that_runs_and_has_the_problem(wheel: Installation, tmp_path: Path) -> None:
    done = wheel.command.shell("python -m rnn_crosscheck --version", tmp_path)
    assert done.stdout.startswith("rnn-crosscheck "), done.stderr
    problem = "Problem.rnn(n_x=1, n_a=1, n_y=1, m=1, T_x=1)"
    program = f"from rnn_crosscheck import Problem; print({problem}.arguments('rnn_forward')[0].shape)"
    assert wheel.command.shell(f'python -c "{program}"', tmp_path).stdout == "(1, 1, 1)\n"


def test_the_reference_may_be_imported_first(wheel: Installation, tmp_path: Path) -> None:
    program = "from rnn_crosscheck import reference; print(reference.__name__)"
    done = wheel.command.shell(f'python -c "{program}"', tmp_path)
    assert done.stdout == "rnn_crosscheck.reference\n", done.stderr


def test_a_mistake_of_the_catalogue_can_be_judged(wheel: Installation, tmp_path: Path) -> None:
    """Takes seconds: an installed command explains a failure."""
    mistake = "oracle.faults:update_and_forget_gates_exchanged"
    done = wheel.command.run(mistake, "-k", "lstm_cell_forward and each_step", directory=tmp_path)
    assert done.returncode == 1
    assert "looks like      the update gate and the forget gate are exchanged" in done.stdout
