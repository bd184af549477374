"""Ends a worker with all that it has started. On Linux this includes processes whose parent has ended.

A worker becomes the parent of such an orphan. If the worker has ended, too, the judge becomes the parent.
"""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from oracle.processes.posix import SIGKILL, WNOHANG, killpg, resource
from properties.implementations.process_start import END_SECONDS, FORKS, PATIENCE, WorkerProcess

WORKERS: set[int] = set()
"""The running workers. If their fork server is killed, they become children of the judge."""


def end_with_descendants(process: WorkerProcess) -> None:
    """Kill a worker, its group, and all that it has started, also in other sessions."""
    for pid in (*descendants(process.pid), process.pid):
        _kill(pid)
    _kill(process.pid, killpg)  # there is no group yet if an interrupt comes directly after a fork
    with suppress(subprocess.TimeoutExpired, TimeoutError):
        process.wait(END_SECONDS)
    WORKERS.discard(process.pid)
    end = time.monotonic() + PATIENCE  # for a target that starts processes faster than they end
    while FORKS and (orphans := _orphans()) and time.monotonic() < end:
        for pid in orphans:
            _kill(pid)
            os.waitpid(pid, WNOHANG)


def _kill(pid: int, kill: Callable[[int, int], None] = os.kill) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended, or runs as another user, as by sudo
        kill(pid, SIGKILL)


def descendants(pid: int, *, recursive: bool = True) -> list[int]:
    """The child processes of a process, and if `recursive` of these, and so on. None if it has ended.

    Also none if the system lists processes of other users that it does not describe (`hidepid=1`).
    """
    try:
        return [each.pid for each in psutil.Process(pid).children(recursive)]
    except psutil.Error:
        return []


def _orphans() -> list[int]:
    """The children of the judge that targets have started, which inherit the memory limit of a worker."""
    own, found = resource.getrlimit(resource.RLIMIT_DATA), []
    for pid in {*descendants(os.getpid(), recursive=False)} - WORKERS:
        with suppress(PermissionError):  # as in `_kill`
            if resource.prlimit(pid, resource.RLIMIT_DATA) != own:
                found.append(pid)
    return found
