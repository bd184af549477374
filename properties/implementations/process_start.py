"""Starts the process of a worker: forked by the fork server, or started anew where a fork is not safe.

`Settings` say how and within which limits the process runs.
"""

import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from properties.worker.codec import CodecError, decode, encode
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


_popen = partial(
    subprocess.Popen, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
)


def start(settings: Settings, template: "ForkServer | None", *descriptors: int) -> "Started":
    """Start a worker; the descriptors are those of its socket, its crash report and its standard error.

    The worker is forked by the `template`, a worker that has loaded the target, or else by a fork server.
    Raises `OSError` if the template has ended.
    """
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("PYTEST_CURRENT_TEST", None)  # it differs for every law
    directory = settings.directory.absolute()
    request = str(directory), settings.memory_limit
    if template:
        return template.fork(request, descriptors)
    for _ in range(2 * FORKS):  # the first server may have been killed
        if not _server or _server[0].settings != (settings.python, environment):
            _server[:] = [_started(settings.python, environment)]
        with suppress(OSError):
            return _server[0].fork(request, descriptors)
        _server.clear()
    # The directory does not exist, or the interpreter cannot run the server.
    *passed, errors = descriptors
    command = [settings.python, "-c", WORKER, *map(str, (*passed, settings.memory_limit))]
    return _popen(command, env=environment, pass_fds=passed, cwd=directory, stderr=errors)


_server: "list[ForkServer]" = []
"""The fork server in use, if any. An earlier one, of another interpreter, ends with its last worker."""


class ForkServer:
    """A process that forks workers, at the other end of a socket. It may run code of the target."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        self.settings: Any = None
        self._line = line
        self._pid = pid

    def fork(self, request: Sequence[Any], descriptors: Sequence[int]) -> "Forked":
        """Fork a worker. Raises `OSError` if the server has ended."""
        pid = self.ask(["fork", *request], descriptors)
        if pid is None or _parent(pid) != self._pid:
            raise ChildProcessError
        return Forked(self, pid)

    def ask(self, request: Sequence[Any], descriptors: Sequence[int] = ()) -> int | None:
        """The answer to a request. Raises `OSError` if there is none."""
        socket.send_fds(self._line, [encode(request)], descriptors)
        with suppress(CodecError):
            answer = decode(bytearray(self._line.recv(MAX_REQUEST)))
            if answer is None or type(answer) is int:
                return answer
        raise ConnectionResetError


class Forked:
    """A worker that a fork server has forked."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; if the server was killed, that of a killed process.

        Raises `subprocess.TimeoutExpired` if it is still running.
        """
        if self._status is None:
            try:
                self._status = self._server.ask(["wait", self.pid, timeout])
            except OSError:
                self._status = -signal.SIGKILL
        if self._status is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self._status


Started = subprocess.Popen[Any] | Forked
"""A process in a session of its own."""


def _started(python: str, environment: dict[str, str]) -> ForkServer:
    """A fork server, which ends when it is garbage."""
    line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command, passed = [python, "-c", FORK_SERVER, str(theirs.fileno())], [theirs.fileno()]
        process = _popen(command, env=environment, pass_fds=passed, stderr=subprocess.DEVNULL)
    server = ForkServer(line, process.pid)
    server.settings = python, environment
    weakref.finalize(server, _end, line, process)
    return server


def _parent(pid: int) -> int:
    """The parent of a process, by the system: a target may claim that it has forked any process."""
    return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])


def _end(line: socket.socket, process: "subprocess.Popen[Any]") -> None:
    line.close()
    process.wait()
