"""Starts a worker as a fork of the fork server, or if a fork is not safe, as a new interpreter."""

import os
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

import psutil

from oracle.processes.codec import CodecError, decode, encode
from oracle.processes.posix import AF_UNIX, SIGKILL, SOCK_SEQPACKET, send_fds
from properties.worker.messages import MAX_REQUEST
from properties.worker.own_modules import FORK_SERVER, JUDGED, WORKER
from properties.worker.worker import adopt_orphans

FORKS = sys.platform == "linux"
"""Whether workers are forked. On other systems, system libraries may fail after a fork."""

ENVIRONMENT: dict[str, str] = {
    # With one thread, sums are always in the same order, and workers do not slow each other down.
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
    ),
    "PYTHONHASHSEED": "0",  # so that the order of sets is the same in every run
    JUDGED: "1",
}


@dataclass(frozen=True)
class Settings:
    """The settings of a target's process. Times are in seconds, memory is in bytes.

    `directory` is the working directory; relative paths are relative to it. `python` is the path of an
    interpreter with NumPy. `helpers` is a folder of helper modules, or empty; in these modules, right
    functions take the place of the functions named in `replaced`. `module` has the fields of
    `oracle.modules.ModuleOptions`. `command` has the words of the user's command up to the target, for lines
    that show how to repeat a call.
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


END_SECONDS = 3.0
"""The seconds that a killed process has for its end."""
PATIENCE = 2 * END_SECONDS
"""The seconds that a fork server has for an answer."""
START_PATIENCE = 60.0
"""The seconds that a fork server has for its first answer, for which it starts an interpreter."""

popen = partial(subprocess.Popen, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
"""Starts a process in a session of its own, which Ctrl-C does not reach."""


def start_worker(settings: Settings, template: "ForkServer | None", *descriptors: int) -> "WorkerProcess":
    """Start a worker with the file descriptors of its socket, its crash report and its standard error.

    The worker is a fork of the `template`, a process that has loaded the target. Without a template it is a
    fork of the fork server, which has loaded no target. Raises `OSError` if the template has ended.
    """
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("PYTEST_CURRENT_TEST", None)  # it differs for every law
    directory = settings.directory.absolute()
    request = str(directory), settings.memory_limit
    if template:
        return template.fork(request, descriptors)
    for _ in range(2 * FORKS):  # if the first server was killed, a second one is started
        if not _server or _server[0].runtime != (settings.python, environment):
            _server[:] = [_start_fork_server(settings.python, environment)]
        with suppress(OSError):
            return _server[0].fork(request, descriptors)
        _server.clear()
    # Forks are not safe here, the directory does not exist, or the interpreter cannot run the fork server.
    *passed, errors = descriptors
    command = [settings.python, "-c", WORKER, *map(str, (*passed, settings.memory_limit))]
    return popen(command, env=environment, pass_fds=passed, cwd=directory, stderr=errors)


_server: "list[ForkServer]" = []
"""The current fork server, if any. A server for another interpreter ends when its last worker has ended."""


class ForkServer:
    """A process that forks workers, and its socket. It may have loaded a target, whose code may run in it.

    `runtime` has the interpreter and the environment of the process; `None` if it has loaded a target.
    """

    def __init__(self, connection: socket.socket, process: "WorkerProcess", runtime: Any = None) -> None:
        self.runtime = runtime
        self._connection = connection
        self._connection.settimeout(START_PATIENCE if runtime else PATIENCE)
        self._process = process

    def fork(self, request: Sequence[Any], descriptors: Sequence[int]) -> "ForkedProcess":
        """Fork a worker. Raises `OSError` if the server has ended or is stopped."""
        pid = self.ask(["fork", *request], descriptors)
        if pid is None or not _is_child(pid, self._process.pid):
            raise ChildProcessError
        return ForkedProcess(self, pid)

    def ask(self, request: Sequence[Any], descriptors: Sequence[int] = ()) -> int | None:
        """Send a request and return the answer. If there is no valid answer, end the server.

        Then raises `TimeoutError` if the server is stopped, and otherwise another `OSError`.
        """
        try:
            send_fds(self._connection, [encode(request)], descriptors)
            answer = decode(bytearray(self._connection.recv(MAX_REQUEST)))
            if answer is not None and type(answer) is not int:
                raise ConnectionResetError
        except (OSError, CodecError) as error:
            if self._connection.fileno() >= 0:
                self._connection.close()
                with suppress(OSError, subprocess.TimeoutExpired):
                    os.kill(self._process.pid, SIGKILL)
                    self._process.wait(END_SECONDS)  # then the judge is the parent of its workers
            raise error if isinstance(error, OSError) else ConnectionResetError from None
        self._connection.settimeout(PATIENCE)
        return answer


class ForkedProcess:
    """A worker that a fork server has forked."""

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.pid = pid
        self._server = server
        self._status: int | None = None

    def wait(self, timeout: float) -> int:
        """Wait for the end of the worker and return its exit status. Raises `subprocess.TimeoutExpired`.

        Raises `TimeoutError` if the server is stopped. If the server was killed, the status is unknown; that
        of a killed process is returned.
        """
        if self._status is None:
            try:
                self._status = self._server.ask(["wait", self.pid, timeout])
            except TimeoutError:
                raise
            except OSError:
                self._status = -SIGKILL
        if self._status is None:
            raise subprocess.TimeoutExpired("worker", timeout)
        return self._status


WorkerProcess = subprocess.Popen[Any] | ForkedProcess
"""A process in a session of its own."""


def _start_fork_server(python: str, environment: dict[str, str]) -> ForkServer:
    """Start a fork server, whose process ends when the returned object is garbage."""
    adopt_orphans()
    connection, other_end = socket.socketpair(AF_UNIX, SOCK_SEQPACKET)
    with other_end:
        command, passed = [python, "-c", FORK_SERVER, str(other_end.fileno())], [other_end.fileno()]
        process = popen(command, env=environment, pass_fds=passed, stderr=subprocess.DEVNULL)
    server = ForkServer(connection, process, (python, environment))
    weakref.finalize(server, _end_fork_server, connection, process)
    return server


def _is_child(pid: int, parent: int) -> bool:
    """Whether a process has this parent, as the system says. The pid that a target sends may be a lie."""
    try:
        return bool(psutil.Process(pid).ppid() == parent)
    except (psutil.Error, ValueError):  # there is no such process, or the number is negative
        return False


def _end_fork_server(connection: socket.socket, process: "subprocess.Popen[Any]") -> None:
    connection.close()
    process.kill()  # it has nothing to clean up, and may be stopped
    process.wait(END_SECONDS)
