"""Whole runs of the harness, as a user starts them.

The import of PyTorch and of the harness takes longer than most runs do. So one process imports them, and
each run is a fork of that process, in a session of its own, with its own directory, environment and output.
Where a fork is not safe, each run is a fresh process.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp
from typing import Any, Literal, NamedTuple

import pytest

from conftest import pytest_plugins
from properties.implementations.process_start import FORKS
from properties.session import command

CLONE = Path(__file__).parents[2]
Program = Literal["pytest", "rnn-crosscheck"]

PRELOADED = ("conftest", *pytest_plugins, "properties.explanations.failure", "rich.progress", "execnet")
"""Modules that import, between them, nearly all that a run needs."""

PATIENCE = 300.0
"""Seconds after which a test gives up waiting for a run; none takes a tenth of it on an idle machine."""


class Done(NamedTuple):
    """How a run ended: its exit status (negative: the signal that killed it), and all that it printed."""

    status: int
    output: str


class Run:
    """A run under way; it leads a group of processes of its own."""

    def __init__(
        self, *arguments: str, directory: Path, program: Program = "pytest", **environment: str
    ) -> None:
        handle, name = mkstemp(suffix=".txt")
        os.close(handle)
        self._output = Path(name)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        variables = {**inherited, **environment}
        self._process = _context().Process(
            target=_run, args=(program, arguments, str(directory), variables, name), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """The process that runs pytest, and the group of its workers."""
        assert self._process.pid
        return int(self._process.pid)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self._process.exitcode is not None

    @property
    def output(self) -> str:
        """What the run has printed so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, or for the end of the run."""
        end = time.monotonic() + PATIENCE
        while not condition() and not self.is_over:
            assert time.monotonic() < end, f"waited for {PATIENCE:.0f} s: {self.output}"
            time.sleep(0.01)

    def interrupt(self) -> None:
        """Do as Ctrl-C in a terminal: interrupt all its processes."""
        os.killpg(self.pid, signal.SIGINT)

    def end(self) -> Done:
        """Wait for its end."""
        self._process.join(PATIENCE)
        if not self.is_over:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.join()
        done = Done(self._process.exitcode or 0, self.output)
        self._output.unlink()
        return done


def run(*arguments: str, directory: Path | None = None, seed: int | None = 1, **how: Any) -> Done:
    """Run the laws as `Run` does, by default with this seed in an empty directory, and wait."""
    seeded = [] if seed is None else [f"--hypothesis-seed={seed}"]
    with TemporaryDirectory() as elsewhere:  # where no failure is stored from before
        return Run(*seeded, *arguments, directory=directory or Path(elsewhere), **how).end()


@cache
def _context() -> Any:
    """Makes processes: by a server that has imported the modules and forks itself, or each from nothing."""
    if not FORKS:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # which the server does not get otherwise
        forkserver.ensure_running()
    return context


def _run(
    program: Program, arguments: tuple[str, ...], directory: str, environment: dict[str, str], output: str
) -> None:
    """Run pytest in this process, with the output in a file."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(output, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.path.insert(0, directory)  # as `python -m` does
    if program == "pytest":
        plain = ("-p", "no:cacheprovider", "--assert=plain")  # nothing of ours is to be imported again
        sys.exit(pytest.main([str(CLONE / "properties"), *plain, *arguments]))
    sys.path.insert(0, str(CLONE))  # as rnn_crosscheck/__main__.py does
    sys.argv = [program, *arguments]
    sys.exit(command.main())
