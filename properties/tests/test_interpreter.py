"""Tests `--python`: interpreters of a target's environment, and files that are no interpreters."""

import json
import platform
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from properties.implementations.interpreter import find
from properties.tests.runs import CLONE, environment, in_clone

pytestmark = pytest.mark.slow


def program(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh", *lines]))
    path.chmod(0o755)


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A folder with files that a user might name."""
    program(tmp_path / "old", "echo 3.8.18")
    program(tmp_path / "shell", "echo hello")
    program(tmp_path / "silent")
    (tmp_path / "text").write_text("")
    environment(tmp_path / "bare", packages=False)
    return tmp_path


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("no_such_command", "there is no such command; name the path of an interpreter"),
        ("bare/bin/pyhton", r"no file 'pyhton' in '.*/bare/bin'; did you mean 'python'\?"),
        ("nowhere/bin/python", "there is no directory '.*/nowhere/bin'"),
        ("bare", "this is a directory; did you mean 'bare/bin/python'?"),
        ("./bare/", "this is a directory; did you mean 'bare/bin/python'?"),
        ("./text", "this file is not executable"),
        ("./shell", "this is not a Python interpreter"),
        ("./silent", "this is not a Python interpreter"),
        ("./old", r"this is Python 3\.8\.18, the oldest is 3\.9"),
        ("bare/bin/python", r"it cannot import NumPy \(ModuleNotFoundError: No module named 'numpy'\)"),
    ],
)
def test_what_is_no_interpreter_for_a_target_is_told_in_a_line(
    named: Path, python: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        find(python, named)
    assert str(caught.value).startswith(f"--python {python}: ")
    assert "\n" not in str(caught.value)


def test_only_a_relative_path_is_said_to_be_relative(named: Path) -> None:
    with pytest.raises(ValueError, match="paths are relative to the current directory"):
        find("bare/xyz", named)
    with pytest.raises(ValueError, match=r"no file 'xyz' in '.*'$"):
        find(str(named / "bare" / "xyz"), named)


def test_it_is_a_usage_error(named: Path) -> None:
    done = in_clone().run("--python", "./old", directory=named)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert done.stdout + done.stderr == (
        "ERROR: --python ./old: this is Python 3.8.18, the oldest is 3.9\n\n"
    )


def test_the_numpy_of_an_interpreter_is_not_what_lies_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("__version__ = '0'")
    monkeypatch.chdir(tmp_path)
    path, versions = find(sys.executable, tmp_path)
    assert path == sys.executable
    assert versions == f"Python {platform.python_version()}, NumPy {np.__version__}"


def test_a_target_is_judged_in_an_environment_of_its_own(tmp_path: Path) -> None:
    """Takes seconds: three whole runs, one of them in three processes."""
    _, modules = environment(tmp_path / "environment")
    shutil.copy(CLONE / "examples" / "textbook.py", modules / "only_there.py")
    (tmp_path / "mine.py").write_text("from only_there import *\n")
    arguments = ("mine.py", "--report=r.json", "-k", "rnn_cell_forward and shapes or can_be_used")
    here = in_clone().run(*arguments, directory=tmp_path)
    assert "of 'only_there' (line 1), a module that is not there" in " ".join(here.stdout.split())
    for options in ((), ("-n", "2")):
        there = in_clone().run(*arguments, *options, "--python", "environment/bin/python", directory=tmp_path)
        assert there.returncode == 0, there.stdout + there.stderr
        versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
        assert f"target {versions}" in re.sub(r"\s+", " ", there.stdout)
        assert json.loads((tmp_path / "r.json").read_text())["environment"]["target"] == versions
