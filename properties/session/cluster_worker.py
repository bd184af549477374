"""Judges a target in a worker of Dask, which calls `judged` with all that a run needs."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from socket import gethostname
from tempfile import TemporaryDirectory

INTERRUPTED = 2
"""The exit status of a run that SIGTERM ended, which Slurm sends to all processes of a job."""

_PACKAGES = ("rnn-crosscheck", "numpy", "torch", "hypothesis", "python-flint")


def versions() -> dict[str, str]:
    """The versions of what results depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def contents(directory: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    """The readable files at and below these paths, by their paths from the directory."""
    found = dict[str, bytes]()
    for path in paths:
        for file in (path, *path.rglob("*")):
            with suppress(OSError):  # a directory, or unreadable
                found[os.path.relpath(file, directory)] = file.read_bytes()
    return found


def judged(
    expected: Mapping[str, str],
    files: Mapping[str, bytes],
    arguments: Sequence[str],
    written: Sequence[str] = (),
) -> tuple[str, Mapping[str, bytes]]:
    """Run the command with these arguments where these files are.

    Returns its report in JSON, and the files that are at the paths `written` afterwards.

    Raises `ImportError` if other versions than expected are installed, `ValueError` with the message of the
    command if it refuses its arguments, and `ChildProcessError` if its process is killed or interrupted.
    """
    for name, here in versions().items():
        if here != expected[name]:
            raise ImportError(f"{name} is {here} on {gethostname()}, but {expected[name]} is expected")
    with TemporaryDirectory() as folder:
        directory, report = Path(folder, "files"), Path(folder, "report.json")
        directory.mkdir()
        for name, content in files.items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_bytes(content)
        command = [sys.executable, "-m", "rnn_crosscheck", *arguments, "--report", str(report)]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            error = ValueError if done.returncode > INTERRUPTED else ChildProcessError
            raise error(done.stderr or f"its process ended with status {done.returncode}")
        kept = contents(directory, [directory / name for name in written])
        return report.read_text(encoding="utf-8"), kept
