"""Starts the process of a worker: forked by the fork server, or started anew where a fork is not safe.

`Settings` say how and within which limits the process runs.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from properties.worker.messages import MAX_REQUEST
from properties.worker.own_modules import FORK_SERVER, WORKER

FORKS = sys.platform == "linux"
"""Whether workers are forked. On other systems, system libraries may fail after a fork."""

ENVIRONMENT: dict[str, str] = {
    # One thread, since workers share a machine, and so that sums are always in the same order.
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
    ),
    "PYTHONHASHSEED": "0",  # so that sets are iterated over in the same order in every run
}


@dataclass(frozen=True)
class Settings:
    """The settings of a target's process. Times are in seconds, memory is in bytes.

    `directory` is the working directory, in which relative paths begin. `python` is the path of an
    interpreter with NumPy, and `helpers` a folder on the target's path. In the modules of `helpers`, the
    functions that `replaced` names are replaced by right ones. `module` has the fields of
    `oracle.modules.ModuleOptions`. `command` are the words of the user's command before the target.
    """

    directory: Path = field(default_factory=Path.cwd)
    time_limit: float = 5.0
    import_time_limit: float = 20.0
    memory_limit: int = 4 * 2**30
    python: str = sys.executable
    helpers: str = ""
    replaced: Sequence[str] = ()
    module: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ("rnn-crosscheck",)


class Started(Protocol):
    """A process in a session of its own."""

    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status. Raises `subprocess.TimeoutExpired` if it is still running."""


def start(settings: Settings, framework: str, connection: int, faults: int, errors: int) -> Started:
    """Start a worker; the descriptors are those of its socket, its crash report and its standard error.

    A fork server imports the `framework`, if there is one, before it forks the worker.
    """
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("PYTEST_CURRENT_TEST", None)  # it differs for every law
    python, directory, memory_limit = settings.python, settings.directory.absolute(), settings.memory_limit
    if FORKS:
        server = python, environment
        if forked := _fork(server, (str(directory), memory_limit, framework), (connection, faults, errors)):
            return forked
    return _popen(python, WORKER, environment, connection, faults, memory_limit, cwd=directory, stderr=errors)


class _ForkServer:
    """The process that forks workers. It ends when this object is garbage."""

    def __init__(self, python: str, environment: dict[str, str]) -> None:
        self.settings = python, environment
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = _popen(
                python, FORK_SERVER, environment, theirs.fileno(), cwd=None, stderr=subprocess.DEVNULL
            )
        weakref.finalize(self, _end, self._line, process)

    def ask(self, *request: Any, descriptors: Sequence[int] = ()) -> Any:
        """The answer to a request. Raises `OSError` if the server has ended."""
        socket.send_fds(self._line, [json.dumps(request).encode()], descriptors)
        answer = self._line.recv(MAX_REQUEST)
        if not answer:
            raise ConnectionResetError
        return json.loads(answer)


class _Forked:
    """A worker that the fork server has forked."""

    def __init__(self, server: _ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; if the server was killed, that of a killed process."""
        if self._status is None:
            try:
                self._status = self._server.ask("wait", self.pid, timeout)
            except OSError:
                self._status = -signal.SIGKILL
        if self._status is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self._status


_server: list[_ForkServer] = []
"""The fork server in use, if any. An earlier one, of another interpreter, ends with its last worker."""


def _fork(
    settings: tuple[str, dict[str, str]], request: tuple[str, int, str], descriptors: Sequence[int]
) -> _Forked | None:
    """A forked worker; `None` if the directory does not exist or the interpreter cannot run the server."""
    for _ in range(2):  # the first server may have been killed
        if not _server or _server[0].settings != settings:
            _server[:] = [_ForkServer(*settings)]
        with suppress(OSError):
            return _Forked(_server[0], _server[0].ask("fork", *request, descriptors=descriptors))
        _server.clear()
    return None


def _popen(
    python: str, program: str, environment: dict[str, str], *arguments: int, cwd: Path | None, stderr: int
) -> "subprocess.Popen[bytes]":
    """Start an interpreter with one of our programs; the first two arguments are descriptors."""
    return subprocess.Popen(
        [python, "-c", program, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        pass_fds=arguments[:2],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
    )


def _end(line: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    line.close()
    process.wait()
