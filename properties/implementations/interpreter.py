"""The interpreter that runs what is judged: of a target's own environment, if the user names one."""

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
"""What tells the versions, from wherever it runs, and also in a Python that is far too old."""


def find(python: str, directory: Path) -> tuple[str, str]:
    """The path of an interpreter, named by a path relative to `directory` or as a command, and what it is.

    That is such as `"Python 3.9.18, NumPy 1.23.5"`. Raises `ValueError` where there is none, it does not run,
    it is older than `OLDEST`, or it has no NumPy.
    """
    try:
        path = _program(python, directory)
        return path, _versions(path)
    except ValueError as error:
        raise ValueError(f"--python {python}: {error}") from None


def _program(python: str, directory: Path) -> str:
    path = which(directory / python if "/" in python else python)
    if path:
        return str(Path(path).absolute())  # a link stays one: an environment's interpreter is a link
    if which(directory / python / "bin" / "python"):
        raise ValueError(f"this is a directory; did you mean '{Path(python, 'bin', 'python')}'?")
    if "/" not in python:
        raise ValueError("there is no such command; name the path of an interpreter")
    if (directory / python).is_file():
        raise ValueError("this is no program that may be run")
    raise ValueError(no_file(python, directory))


def _versions(path: str) -> str:
    try:
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"it does not run ({error})") from None
    version, *numpy = asked.stdout.split()[:2] or [""]
    if not version[:1].isdigit() or "." not in version:
        raise ValueError("this is no Python")
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        raise ValueError(f"this is Python {version}, the oldest is {'.'.join(map(str, OLDEST))}")
    if not numpy:
        reason = (asked.stderr.strip().splitlines() or ["it ended"])[-1]
        raise ValueError(f"it cannot import NumPy ({reason})")
    return f"Python {version}, NumPy {numpy[0]}"
