"""The interpreter that runs what is judged: of a target's own environment, if the user names one."""

import subprocess
from pathlib import Path
from shutil import which

OLDEST = (3, 9)
"""The oldest Python that a worker runs in."""

_ASK = "import sys; print(sys.version.split()[0], flush=True); import numpy; print(numpy.__version__)"


def find(python: str, directory: Path) -> tuple[str, str]:
    """The path of an interpreter, named by a path relative to `directory` or as a command, and what it is.

    That is such as `"Python 3.9.18, NumPy 1.23.5"`. Raises `ValueError` where there is none, it does not run,
    it is older than `OLDEST`, or it has no NumPy.
    """
    path = which(python) if "/" not in python else which(directory / python)
    if path is None:
        raise ValueError(f"--python {python}: there is no such program, or it may not be run")
    path = str(Path(path).absolute())  # a link stays one: an environment's interpreter is a link
    try:
        asked = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ValueError(f"--python {python}: it does not run ({error})") from None
    version, *numpy = asked.stdout.split()[:2] or [""]
    if not version[:1].isdigit() or "." not in version:
        raise ValueError(f"--python {python}: this is no Python")
    if tuple(map(int, version.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ValueError(f"--python {python}: this is Python {version}, the oldest is {oldest}")
    if not numpy:
        reason = (asked.stderr.strip().splitlines() or ["it ended"])[-1]
        raise ValueError(f"--python {python}: it cannot import NumPy ({reason})")
    return path, f"Python {version}, NumPy {numpy[0]}"
