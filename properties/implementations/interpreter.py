"""Finds the interpreter that `--python` names, which runs the targets in their own environment."""

import subprocess
from pathlib import Path
from shutil import which

from properties.worker.targets import why_missing

OLDEST = (3, 9)
"""The oldest version of Python that can run a worker."""

_PRINT_VERSIONS = """
import sys
if sys.path[:1] == [""]: del sys.path[0]
sys.stdout.write(sys.version.split()[0] + "\\n")
sys.stdout.flush()
import numpy
sys.stdout.write(numpy.__version__)
"""
"""A program that prints the versions of Python and NumPy. It also runs in Python 2."""


def find(python: str, directory: Path) -> tuple[str, str]:
    """Return the path of an interpreter and its versions: `"Python 3.9.18, NumPy 1.23.5"`.

    `python` is a path relative to `directory`, or a command. Raises `ValueError` if the interpreter does not
    exist, does not run, is older than `OLDEST`, or has no NumPy.
    """
    try:
        path = _path(python, directory)
        return path, _versions(path)
    except ValueError as error:
        raise ValueError(f"--python {python}: {error}") from None


def _path(python: str, directory: Path) -> str:
    if path := which(directory / python if "/" in python else python):
        return str(Path(path).absolute())  # do not follow links: the interpreter of an environment is a link
    if which(directory / python / "bin" / "python"):
        raise ValueError(f"this is a directory; did you mean '{Path(python, 'bin', 'python')}'?")
    if "/" not in python:
        raise ValueError("there is no such command; name the path of an interpreter")
    if (directory / python).is_file():
        raise ValueError("this file is not executable")
    raise ValueError(why_missing(python, directory))


def _versions(path: str) -> str:
    try:
        process = subprocess.run(
            [path, "-c", _PRINT_VERSIONS], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"it does not run ({error})") from None
    version, *numpy = process.stdout.split()[:2] or [""]
    if not version[:1].isdigit() or "." not in version:
        raise ValueError("this is not a Python interpreter")
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        raise ValueError(f"this is Python {version}, the oldest is {'.'.join(map(str, OLDEST))}")
    if not numpy:
        reason = (process.stderr.strip().splitlines() or ["it ended"])[-1]
        raise ValueError(f"it cannot import NumPy ({reason})")
    return f"Python {version}, NumPy {numpy[0]}"
