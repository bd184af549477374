"""How a worker's process comes to be: forked from a warm one, or started, where a fork is not safe."""

import json
import os
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from properties.worker.messages import MOST
from properties.worker.own_modules import PROGRAM, WARM

FORKS = sys.platform == "linux"
"""Elsewhere the system's own libraries may not survive a fork."""

ENVIRONMENT: dict[str, str] = {
    # Workers share a machine: one thread each, and sums in one order.
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
    ),
    "PYTHONHASHSEED": "0",  # what iterates over a set does so alike in every run
}


class Started(Protocol):
    """A process in a session of its own."""

    pid: int

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; `subprocess.TimeoutExpired` where it is still running."""


def start(
    python: str, directory: Path, memory_limit: int, connection: int, faults: int, errors: int
) -> Started:
    """Start a worker with the descriptors of its socket, of a file for its last words, and of its stderr."""
    environment = {**os.environ, **ENVIRONMENT}
    environment.pop("PYTEST_CURRENT_TEST", None)  # which is another one for every law
    if FORKS and (
        forked := _fork(python, environment, str(directory), memory_limit, connection, faults, errors)
    ):
        return forked
    return _popen(
        python, PROGRAM, environment, connection, faults, memory_limit, cwd=directory, stderr=errors
    )


class _Warm:
    """The process that forks workers. It ends when nothing refers to it any more."""

    def __init__(self, python: str, environment: dict[str, str]) -> None:
        self.is_for = python, environment
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = _popen(python, WARM, environment, theirs.fileno(), cwd=None, stderr=subprocess.DEVNULL)
        weakref.finalize(self, _end, self._line, process)

    def ask(self, *request: Any, descriptors: Sequence[int] = ()) -> Any:
        """The answer to a request; `OSError` where there is nobody left to give one."""
        socket.send_fds(self._line, [json.dumps(request).encode()], descriptors)
        answer = self._line.recv(MOST)
        if not answer:
            raise ConnectionResetError
        return json.loads(answer)


class _Forked:
    """A worker that a warm process has forked, and so waits for."""

    def __init__(self, warm: _Warm, pid: int) -> None:
        self.pid = pid
        self._warm = warm
        self._status: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status; that of one that was killed, if somebody has killed the warm process."""
        if self._status is None:
            try:
                self._status = self._warm.ask("wait", self.pid, timeout)
            except OSError:
                self._status = -signal.SIGKILL
        if self._status is None:
            raise subprocess.TimeoutExpired("worker", timeout or 0)
        return self._status


_warm: list[_Warm] = []
"""The one that is used, if any; those of other interpreters and environments last as their workers do."""


def _fork(
    python: str, environment: dict[str, str], directory: str, memory_limit: int, *descriptors: int
) -> _Forked | None:
    """A worker; `None` where there is no such directory, or such an interpreter does not serve."""
    for _ in range(2):  # somebody may have killed the first
        if not _warm or _warm[0].is_for != (python, environment):
            _warm[:] = [_Warm(python, environment)]
        with suppress(OSError):
            return _Forked(_warm[0], _warm[0].ask("fork", directory, memory_limit, descriptors=descriptors))
        _warm.clear()
    return None


def _popen(
    python: str, program: str, environment: dict[str, str], *arguments: int, cwd: Path | None, stderr: int
) -> "subprocess.Popen[bytes]":
    """An interpreter that runs a program of ours; all arguments but a limit are descriptors that it gets."""
    return subprocess.Popen(
        [python, "-B", "-c", program, *map(str, arguments)],
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
