"""Whole runs of the harness, as a user starts them: in this clone, or installed from the wheel.

The import of PyTorch and of the harness takes longer than most runs do. So in the clone one process imports
them, and each run is a fork of that process, in a session of its own, with its own directory, environment
and output. Where a fork is not safe, each run is a fresh process. Environments are made without a network, of
the packages that are installed here.
"""

import compileall
import multiprocessing
import os
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp
from typing import Any, Literal, NamedTuple
from zipfile import ZipFile

import pytest

from conftest import pytest_plugins
from properties.implementations.process_start import FORKS
from properties.session import command

CLONE = Path(__file__).parents[2]
Program = Literal["pytest", "rnn-crosscheck"]

PRELOADED = ("conftest", *pytest_plugins, "properties.explanations.failure", "rich.table", "execnet")
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


@dataclass(frozen=True)
class Command:
    """`rnn-crosscheck` as it is called somewhere; a shell there finds what is in `programs`."""

    words: tuple[str, ...]
    programs: Path
    modules: Path | None = None

    def run(self, *arguments: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call it in a directory."""
        return self._run([*self.words, *arguments], directory, variables, shell=False)

    def shell(self, line: str, directory: Path) -> subprocess.CompletedProcess[str]:
        """Run another line there."""
        return self._run(line, directory, {}, shell=True)

    def _run(
        self, line: str | list[str], directory: Path, variables: dict[str, str], *, shell: bool
    ) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        search = {"PATH": f"{self.programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
        modules = {"PYTHONPATH": str(self.modules)} if self.modules else {}
        with TemporaryDirectory() as folder:  # not that of other runs of pytest, which clean up in it
            temporary = {"PYTEST_DEBUG_TEMPROOT": folder}
            environment = {**inherited, **search, **modules, **temporary, **variables}
            return subprocess.run(
                line, cwd=directory, env=environment, shell=shell, capture_output=True, text=True, check=False
            )


class InClone(Command):
    """The command of this clone, whose runs are forks."""

    def run(self, *arguments: str, directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Call it in a directory; its errors are in `stdout`, too."""
        status, output = run(
            *arguments, directory=directory, seed=None, program="rnn-crosscheck", **variables
        )
        return subprocess.CompletedProcess(arguments, status, output, "")


def in_clone() -> Command:
    """The command of this clone."""
    return InClone((sys.executable, "-m", "rnn_crosscheck"), Path(sys.executable).parent, CLONE)


@dataclass(frozen=True)
class Installation:
    """What is installed from a wheel, where its modules are, and its command."""

    wheel: Path
    modules: Path
    command: Command


def installed(folder: Path) -> Installation:
    """The wheel, which is built and installed below `folder`."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=CLONE, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    programs, modules = environment(folder / "environment")
    ZipFile(wheel).extractall(modules)
    compileall.compile_dir(modules / "rnn_crosscheck", quiet=2)  # as pip does
    entries = ConfigParser()
    entries.read(modules.glob("*.dist-info/entry_points.txt"))
    module, function = entries["console_scripts"]["rnn-crosscheck"].split(":")
    command = programs / "rnn-crosscheck"
    command.write_text(
        f"#!{programs}/python\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
    )
    command.chmod(0o755)
    return Installation(wheel, modules, Command((str(command),), programs))


def environment(folder: Path, *, packages: bool = True) -> tuple[Path, Path]:
    """Where its programs are, and its modules; beside which it has the packages of this one, if told so."""
    venv.create(folder, symlinks=True)
    modules = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    if packages:
        lend_packages(modules)
    return folder / "bin", modules


def lend_packages(modules: Path) -> None:
    """Let another environment find the packages of this one.

    An editable installation is none of these, for Python reads the .pth files of the first folder only.
    """
    here = {sysconfig.get_path(name) for name in ("purelib", "platlib")}
    (modules / "packages.pth").write_text("\n".join(here))
