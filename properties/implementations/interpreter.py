"""Finds the interpreter of `--python`, which runs the targets in their own environment."""

import subprocess
from pathlib import Path
from shutil import which

from properties.worker.targets import no_file

OLDEST = (3, 9)
"""The oldest Python that a worker runs in."""

_ASK = """
import sys
if sys.path[:1] == [""]: del sys.path[0]
sys.stdout.write(sys.version.split()[0] + "\\n")
sys.stdout.flush()
import numpy
sys.stdout.write(numpy.__version__)
"""
"""A program that prints the versions of Python and NumPy; it runs in very old Pythons, too."""


def find(python: str, directory: Path) -> tuple[str, str]:
    """The path of an interpreter and its versions: `"Python 3.9.18, NumPy 1.23.5"`.

    `python` is a path relative to `directory`, or a command. Raises `ValueError` if the interpreter does not
    exist, does not run, is older than `OLDEST`, or has no NumPy.
    """
    try:
        path = _program(python, directory)
        return path, _versions(path)
    except ValueError as error:
        raise ValueError(f"--python {python}: {error}") from None


def _program(python: str, directory: Path) -> str:
    path = which(directory / python if "/" in python else python)
    if path:
        return str(Path(path).absolute())  # do not follow links: the interpreter of an environment is a link
    if which(directory / python / "bin" / "python"):
        raise ValueError(f"this is a directory; did you mean '{Path(python, 'bin', 'python')}'?")
    if "/" not in python:
        raise ValueError("there is no such command; name the path of an interpreter")
    if (directory / python).is_file():
        raise ValueError("this file is not executable")
    raise ValueError(no_file(python, directory))


def _versions(path: str) -> str:
    try:
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"it does not run ({error})") from None
    version, *numpy = asked.stdout.split()[:2] or [""]
    if not version[:1].isdigit() or "." not in version:
        raise ValueError("this is not a Python interpreter")
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        raise ValueError(f"this is Python {version}, the oldest is {'.'.join(map(str, OLDEST))}")
    if not numpy:
        reason = (asked.stderr.strip().splitlines() or ["it ended"])[-1]
        raise ValueError(f"it cannot import NumPy ({reason})")
    return f"Python {version}, NumPy {numpy[0]}"
