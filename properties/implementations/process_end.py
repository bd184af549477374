"""Ends a worker with all that it has started. On Linux this includes processes whose parent has ended.

A worker becomes the parent of such an orphan. If the worker has ended, too, the judge becomes the parent.
"""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from oracle.processes.posix import SIGKILL, WNOHANG, killpg, resource
from properties.implementations.process_start import END_SECONDS, FORKS, PATIENCE, WorkerProcess, parent_of

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


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    return [child for child, parent in _parents().items() if parent == pid]


def descendants(pid: int) -> list[int]:
    """The child processes of a process, and of these, and so on."""
    parents, found = _parents(), [pid]
    for each in found:  # which grows meanwhile
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def _orphans() -> list[int]:
    """The children of the judge that targets have started, which inherit the memory limit of a worker."""
    own, found = resource.getrlimit(resource.RLIMIT_DATA), []
    for pid in {*children(os.getpid())} - WORKERS:
        with suppress(PermissionError):  # as in `_kill`
            if resource.prlimit(pid, resource.RLIMIT_DATA) != own:
                found.append(pid)
    return found


def _parents() -> dict[int, int]:
    """The parent of each process. No process, if the system does not list them in time."""
    found: dict[int, int] = {}
    if FORKS:
        for name in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError):  # it has ended
                found[int(name)] = parent_of(int(name))
        return found
    with suppress(subprocess.TimeoutExpired):
        command = ["ps", "-A", "-o", "pid=,ppid="]
        listed = subprocess.run(command, capture_output=True, text=True, check=False, timeout=END_SECONDS)
        found = {int(pid): int(parent) for pid, parent in map(str.split, listed.stdout.splitlines())}
    return found
