"""A process that has imported what a worker needs and forks workers, which takes a tenth of starting one.

It runs no foreign code itself. What it has forked is a process like any other: alone in a session, with
descriptors and random numbers of its own.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from socket import recv_fds, socket

from numpy import random  # which targets often import: here it is done once

from properties.worker.messages import MOST
from properties.worker.worker import work


def main() -> None:
    """Serve the judge at the other end of a socket until it hangs up; the argument is its descriptor.

    A request is one message: `["fork", directory, memory limit]` with the descriptors of a worker's socket,
    of a file for its last words, and of its standard error; or `["wait", process, seconds or null]`. The
    answer is the number of the process, or its exit status, null while it runs.
    """
    line = socket(fileno=int(sys.argv[1]))
    gc.freeze()  # a worker that looks for garbage would copy all the memory that it shares with this
    while True:
        request, descriptors, _, _ = recv_fds(line, MOST, 3)
        if not request:
            return
        kind, *words = json.loads(request)
        answer = _fork(line, descriptors, *words) if kind == "fork" else _wait(*words)
        line.send(json.dumps(answer).encode())


def _fork(line: socket, descriptors: Sequence[int], directory: str, memory_limit: int) -> int:
    process = os.fork()
    if not process:
        line.close()
        connection, faults, errors = descriptors
        _become_a_worker(connection, faults, errors, directory, memory_limit)
    for descriptor in descriptors:
        os.close(descriptor)
    return process


def _become_a_worker(connection: int, faults: int, errors: int, directory: str, memory_limit: int) -> None:
    """Never returns."""
    try:
        os.setsid()
        os.dup2(errors, sys.stderr.fileno())
        os.close(errors)
        os.chdir(directory)
        random.seed()  # noqa: NPY002 - the one of which all that are forked would draw the same
        work(connection, faults, memory_limit)
    finally:
        os._exit(1)


def _wait(process: int, seconds: float | None) -> int | None:
    end = time.monotonic() + (seconds or 0)
    while True:
        ended, status = os.waitpid(process, os.WNOHANG if seconds is not None else 0)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() >= end:
            return None
        time.sleep(0.001)
