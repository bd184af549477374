"""Environments that tests make, without a network: of the packages that are installed here."""

import compileall
import os
import subprocess
import sys
import sysconfig
import venv
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from properties.tests.runs import CLONE, run


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
    """The command of this clone, whose runs are forks; see `properties/tests/runs.py`."""

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
